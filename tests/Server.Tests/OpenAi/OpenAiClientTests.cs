using System.ClientModel;
using OpenAI;
using OpenAI.Audio;
using OpenAI.Models;
using Xunit;

namespace Handwritten.Server.Tests.OpenAi;

/// <summary>The official client of .NET, which knows nothing of this server but its address.</summary>
[Collection(OneServerForAll.Name)]
public sealed class OpenAiClientTests(SharedServer shared)
{
    private AudioClient Audio => Of("whisper-1");

    private AudioClient Of(string model) => new(model, new ApiKeyCredential("any"), new OpenAIClientOptions { Endpoint = new Uri(shared.Server.Address, "/v1") });

    [Fact]
    public async Task It_transcribes_with_segments_and_words()
    {
        AudioTranscription transcription = await Audio.TranscribeAudioAsync(RunningServer.Recording, new AudioTranscriptionOptions
        {
            Language = "en",
            Prompt = "Music.",
            Temperature = 0,
            ResponseFormat = AudioTranscriptionFormat.Verbose,
            TimestampGranularities = AudioTimestampGranularities.Word | AudioTimestampGranularities.Segment,
        });
        Assert.Equal(RunningServer.Text, transcription.Text);
        Assert.Equal("english", transcription.Language);
        Assert.Equal("Please", transcription.Words[0].Word);
        Assert.InRange(Assert.Single(transcription.Segments).EndTime.TotalSeconds, 2, 2.5);
    }

    [Fact]
    public async Task It_transcribes_to_subtitles()
    {
        AudioTranscription transcription = await Audio.TranscribeAudioAsync(RunningServer.Recording, new AudioTranscriptionOptions { ResponseFormat = AudioTranscriptionFormat.Srt });
        Assert.StartsWith("1\n00:00:00,000 --> ", transcription.Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task It_follows_a_stream()
    {
        // (It knows that OpenAI's own whisper-1 cannot do this, and refuses to ask.)
        await using FileStream file = File.OpenRead(RunningServer.Recording);
        string deltas = "", done = "";
#pragma warning disable OPENAI001 // it calls streams a preview
        await foreach (StreamingAudioTranscriptionUpdate update in await Of("whisper-nano").TranscribeAudioStreamingAsync(file, "01-en.wav"))
        {
            deltas += (update as StreamingAudioTranscriptionTextDeltaUpdate)?.Delta;
            done += (update as StreamingAudioTranscriptionTextDoneUpdate)?.Text;
        }
#pragma warning restore OPENAI001
        Assert.Equal((RunningServer.Text, RunningServer.Text), (deltas, done));
    }

    [Fact]
    public async Task It_translates()
    {
        AudioTranslation translation = await Audio.TranslateAudioAsync(RunningServer.Recording);
        Assert.NotNull(translation.Text);
    }

    [Fact]
    public async Task It_understands_errors()
    {
        ClientResultException failure = await Assert.ThrowsAsync<ClientResultException>(() => Of("gpt-9").TranscribeAudioAsync(RunningServer.Recording));
        Assert.Equal(404, failure.Status);
        Assert.Contains("model_not_found", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task It_lists_models()
    {
        OpenAIModelClient models = new(new ApiKeyCredential("any"), new OpenAIClientOptions { Endpoint = new Uri(shared.Server.Address, "/v1") });
        OpenAIModelCollection all = await models.GetModelsAsync();
        Assert.Equal("whisper-nano", Assert.Single(all).Id);
    }
}
