using System.Diagnostics;
using System.Text.Json;
using Xunit;

namespace Handwritten.Server.Tests.OpenAi;

/// <summary>
/// The command lines of OpenAI's API reference (Audio, "Create transcription" and "Create translation"), run by curl as they
/// stand there; only the address and the file's name are others.
/// </summary>
[Collection(OneServerForAll.Name)]
public sealed class CurlTests(SharedServer shared)
{
    [ProgramFact("curl", "bash")]
    public async Task A_transcription()
    {
        JsonElement answer = await JsonAsync("""
            curl https://api.openai.com/v1/audio/transcriptions \
              -H "Authorization: Bearer $OPENAI_API_KEY" \
              -H "Content-Type: multipart/form-data" \
              -F file="@/path/to/file/audio.mp3" \
              -F model="gpt-4o-transcribe"
            """);
        Assert.Equal(RunningServer.Text, answer.GetProperty("text").GetString());
    }

    [ProgramFact("curl", "bash")]
    public async Task A_stream()
    {
        string answer = await RunAsync("""
            curl https://api.openai.com/v1/audio/transcriptions \
              -H "Authorization: Bearer $OPENAI_API_KEY" \
              -H "Content-Type: multipart/form-data" \
              -F file="@/path/to/file/audio.mp3" \
              -F model="gpt-4o-mini-transcribe" \
              -F stream=true
            """);
        JsonElement[] events = [.. answer.Split("\n\n", StringSplitOptions.RemoveEmptyEntries).Select(line => JsonDocument.Parse(line["data: ".Length..]).RootElement)];
        Assert.Equal("transcript.text.delta", events[0].GetProperty("type").GetString());
        Assert.Equal(("transcript.text.done", RunningServer.Text), (events[^1].GetProperty("type").GetString(), events[^1].GetProperty("text").GetString()));
    }

    [ProgramFact("curl", "bash")]
    public async Task Log_probabilities()
    {
        JsonElement answer = await JsonAsync("""
            curl https://api.openai.com/v1/audio/transcriptions \
              -H "Authorization: Bearer $OPENAI_API_KEY" \
              -H "Content-Type: multipart/form-data" \
              -F file="@/path/to/file/audio.mp3" \
              -F "include[]=logprobs" \
              -F model="gpt-4o-transcribe" \
              -F response_format="json"
            """);
        Assert.Equal(RunningServer.Text, string.Concat(answer.GetProperty("logprobs").EnumerateArray().Select(token => token.GetProperty("token").GetString())).Trim());
        Assert.Equal("tokens", answer.GetProperty("usage").GetProperty("type").GetString());
    }

    [ProgramFact("curl", "bash")]
    public async Task The_times_of_words()
    {
        JsonElement answer = await JsonAsync("""
            curl https://api.openai.com/v1/audio/transcriptions \
              -H "Authorization: Bearer $OPENAI_API_KEY" \
              -H "Content-Type: multipart/form-data" \
              -F file="@/path/to/file/audio.mp3" \
              -F "timestamp_granularities[]=word" \
              -F model="whisper-1" \
              -F response_format="verbose_json"
            """);
        Assert.Equal(("transcribe", "english"), (answer.GetProperty("task").GetString(), answer.GetProperty("language").GetString()));
        Assert.Equal(RunningServer.Text.Split(' '), answer.GetProperty("words").EnumerateArray().Select(word => word.GetProperty("word").GetString()));
    }

    [ProgramFact("curl", "bash")]
    public async Task The_times_of_segments()
    {
        JsonElement answer = await JsonAsync("""
            curl https://api.openai.com/v1/audio/transcriptions \
              -H "Authorization: Bearer $OPENAI_API_KEY" \
              -H "Content-Type: multipart/form-data" \
              -F file="@/path/to/file/audio.mp3" \
              -F "timestamp_granularities[]=segment" \
              -F model="whisper-1" \
              -F response_format="verbose_json"
            """);
        Assert.Equal(RunningServer.Text, Assert.Single(answer.GetProperty("segments").EnumerateArray()).GetProperty("text").GetString()!.Trim());
    }

    [ProgramFact("curl", "bash")]
    public async Task A_translation()
    {
        JsonElement answer = await JsonAsync("""
            curl https://api.openai.com/v1/audio/translations \
              -H "Authorization: Bearer $OPENAI_API_KEY" \
              -H "Content-Type: multipart/form-data" \
              -F file="@/path/to/file/german.m4a" \
              -F model="whisper-1"
            """);
        Assert.NotEmpty(answer.GetProperty("text").GetString()!);
    }

    [ProgramFact("curl", "bash")]
    public async Task The_models()
    {
        JsonElement answer = await JsonAsync("""
            curl https://api.openai.com/v1/models \
              -H "Authorization: Bearer $OPENAI_API_KEY"
            """);
        Assert.Equal("whisper-nano", Assert.Single(answer.GetProperty("data").EnumerateArray()).GetProperty("id").GetString());
    }

    private async Task<JsonElement> JsonAsync(string line)
    {
        using JsonDocument answer = JsonDocument.Parse(await RunAsync(line));
        return answer.RootElement.Clone();
    }

    private async Task<string> RunAsync(string line)
    {
        string here = line
            .Replace("https://api.openai.com", shared.Server.Address.GetLeftPart(UriPartial.Authority), StringComparison.Ordinal)
            .Replace("/path/to/file/audio.mp3", RunningServer.Recording, StringComparison.Ordinal)
            .Replace("/path/to/file/german.m4a", RunningServer.Recording, StringComparison.Ordinal);
        ProcessStartInfo start = new("bash", ["-c", here]) { RedirectStandardOutput = true, RedirectStandardError = true, Environment = { ["OPENAI_API_KEY"] = "any" } };
        using Process curl = Process.Start(start)!;
        Task<string> output = curl.StandardOutput.ReadToEndAsync(), error = curl.StandardError.ReadToEndAsync();
        await curl.WaitForExitAsync().WaitAsync(TimeSpan.FromMinutes(2));
        return curl.ExitCode == 0 ? await output : throw new InvalidOperationException(await error);
    }
}
