using System.ClientModel;
using System.Net;
using System.Text;
using System.Text.Json;
using OpenAI;
using OpenAI.Audio;
using Xunit;

#pragma warning disable OPENAI001 // the client calls log-probabilities a preview

namespace Handwritten.Server.Tests.OpenAi;

/// <summary>What is told of tokens: how sure the model was of each, and how many there were.</summary>
[Collection(OneServerForAll.Name)]
public sealed class TokenTests(SharedServer shared)
{
    private readonly RunningServer _server = shared.Server;

    public static TheoryData<string[]> Searches =>
    [
        [],
        ["beam_size=3"],
        ["temperature=0.4", "best_of=2"],
        ["repetition_penalty=1.01"],
        ["chunking_strategy=auto"],
    ];

    [Theory]
    [MemberData(nameof(Searches))]
    public async Task Log_probabilities_are_those_of_the_text_whatever_found_it(string[] search)
    {
        (string, string)[] fields = [.. search.Select(field => (field.Split('=')[0], field.Split('=')[1]))];
        JsonElement answer = await (await _server.TranscribeAsync([("response_format", "verbose_json"), ("include[]", "logprobs"), ("without_timestamps", "true"), .. fields])).JsonAsync();
        JsonElement[] tokens = [.. answer.GetProperty("logprobs").EnumerateArray()];
        Assert.Equal(answer.GetProperty("text").GetString(), TextOf(tokens).Trim());
        double[] logprobs = [.. tokens.Select(token => token.GetProperty("logprob").GetDouble())];
        Assert.All(logprobs, logprob => Assert.InRange(logprob, -10, 0));
        Assert.True(logprobs.Distinct().Count() > 3);

        // The window's mean has the end of the text as well, of which the model is sure here.
        double sum = (logprobs.Length + 1) * Assert.Single(answer.GetProperty("segments").EnumerateArray()).GetProperty("avg_logprob").GetDouble();
        Assert.InRange(logprobs.Sum() - sum, -1e-4, 0.5);
    }

    [Fact]
    public async Task Greedy_steps_that_share_their_rows_with_others_tell_what_a_search_on_the_host_tells()
    {
        // The first is chosen by the back end, the second from copied logits.
        double[][] both = await Task.WhenAll(LogprobsAsync("no_repeat_ngram_size", "0"), LogprobsAsync("no_repeat_ngram_size", "40"));
        Assert.All(both[0].Zip(both[1]), pair => Assert.Equal(pair.First, pair.Second, 1e-4));
    }

    [Fact]
    public async Task The_official_client_reads_log_probabilities_and_tokens()
    {
        AudioTranscription transcription = await Client("gpt-4o-transcribe").TranscribeAudioAsync(
            RunningServer.Recording, new AudioTranscriptionOptions { Includes = AudioTranscriptionIncludes.Logprobs, Prompt = "Music." });
        Assert.Equal(RunningServer.Text, TextOf(transcription.TranscriptionTokenLogProbabilities).Trim());
        Assert.All(transcription.TranscriptionTokenLogProbabilities, token => Assert.InRange(token.LogProbability, -10, 0));
        AudioTranscriptionTokenUsage usage = Assert.IsType<AudioTranscriptionTokenUsage>(transcription.Usage);
        Assert.Equal(usage.InputTokenCount + usage.OutputTokenCount, usage.TotalTokenCount);
        Assert.Equal(usage.InputTokenDetails.AudioTokenCount + usage.InputTokenDetails.TextTokenCount, usage.InputTokenCount);
        Assert.InRange(usage.InputTokenDetails.AudioTokenCount!.Value, 100, 200); // three seconds, fifty each
        Assert.InRange(usage.InputTokenDetails.TextTokenCount!.Value, 1, 4);
        Assert.InRange(usage.OutputTokenCount, transcription.TranscriptionTokenLogProbabilities.Count, transcription.TranscriptionTokenLogProbabilities.Count + 2); // and timestamps
    }

    [Fact]
    public async Task Whisper_counts_in_seconds_and_tells_no_tokens_unasked()
    {
        AudioTranscription transcription = await Client("whisper-1").TranscribeAudioAsync(RunningServer.Recording, new AudioTranscriptionOptions());
        Assert.InRange(Assert.IsType<AudioTranscriptionDurationUsage>(transcription.Usage).Duration.TotalSeconds, 1, 5);
        JsonElement answer = await (await _server.TranscribeAsync()).JsonAsync();
        Assert.Equal(["text", "usage"], answer.EnumerateObject().Select(property => property.Name));
        Assert.Equal(["type", "seconds"], answer.GetProperty("usage").EnumerateObject().Select(property => property.Name));
    }

    [Fact]
    public async Task The_official_client_reads_them_in_a_stream()
    {
        await using FileStream file = File.OpenRead(RunningServer.Recording);
        List<AudioTokenLogProbabilityDetails> deltas = [], done = [];
        AudioTranscriptionTokenUsage? usage = null;
        await foreach (StreamingAudioTranscriptionUpdate update in await Client("gpt-4o-transcribe").TranscribeAudioStreamingAsync(
            file, "01-en.wav", new AudioTranscriptionOptions { Includes = AudioTranscriptionIncludes.Logprobs }))
        {
            deltas.AddRange((update as StreamingAudioTranscriptionTextDeltaUpdate)?.TranscriptionTokenLogProbabilities ?? []);
            done.AddRange((update as StreamingAudioTranscriptionTextDoneUpdate)?.TranscriptionTokenLogProbabilities ?? []);
            usage ??= (update as StreamingAudioTranscriptionTextDoneUpdate)?.Usage;
        }

        Assert.Equal(RunningServer.Text, TextOf(done).Trim());
        Assert.Equal(done.Select(token => token.LogProbability), deltas.Select(token => token.LogProbability));
        Assert.Equal(usage!.InputTokenCount + usage.OutputTokenCount, usage.TotalTokenCount);
    }

    [Fact]
    public async Task A_job_keeps_them_with_its_result()
    {
        using HttpResponseMessage accepted = await _server.Client.PostAsync("/v1/jobs", RunningServer.Form(("include[]", "logprobs")));
        JsonElement job = default;
        await Eventually.HoldsAsync(async () => (job = await (await _server.Client.GetAsync(accepted.Headers.Location)).JsonAsync()).GetProperty("status").GetString() == "succeeded");
        Assert.Equal(RunningServer.Text, TextOf(job.GetProperty("result").GetProperty("logprobs").EnumerateArray()).Trim());
    }

    [Theory]
    [InlineData("srt", "logprobs")]
    [InlineData("json", "thoughts")]
    public async Task What_cannot_be_included_is_refused(string format, string include)
    {
        using HttpResponseMessage response = await _server.TranscribeAsync(("response_format", format), ("include[]", include));
        (_, _, string? parameter, string? code) = await response.ErrorAsync();
        Assert.Equal((HttpStatusCode.BadRequest, "include", "invalid_value"), (response.StatusCode, parameter, code));
    }

    private AudioClient Client(string model) => new(model, new ApiKeyCredential("any"), new OpenAIClientOptions { Endpoint = new Uri(_server.Address, "/v1") });

    private async Task<double[]> LogprobsAsync(string option, string value)
    {
        JsonElement answer = await (await _server.TranscribeAsync(("include[]", "logprobs"), (option, value))).JsonAsync();
        return [.. answer.GetProperty("logprobs").EnumerateArray().Select(token => token.GetProperty("logprob").GetDouble())];
    }

    private static string TextOf(IEnumerable<JsonElement> tokens)
    {
        JsonElement[] all = [.. tokens];
        string text = Encoding.UTF8.GetString([.. all.SelectMany(token => token.GetProperty("bytes").EnumerateArray().Select(value => (byte)value.GetInt32()))]);
        Assert.Equal(text, string.Concat(all.Select(token => token.GetProperty("token").GetString()))); // in English a token is whole characters
        return text;
    }

    private static string TextOf(IEnumerable<AudioTokenLogProbabilityDetails> tokens) => Encoding.UTF8.GetString([.. tokens.SelectMany(token => token.Utf8Bytes.ToArray())]);
}
