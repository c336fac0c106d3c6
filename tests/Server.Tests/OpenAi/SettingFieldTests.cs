using System.Net;
using System.Text.Json;
using Handwritten.Model;
using Handwritten.Runtime;
using Handwritten.Runtime.Audio;
using Handwritten.Runtime.Output;
using Handwritten.Runtime.Settings;
using Handwritten.Runtime.Transcription;
using Handwritten.Tests;
using Xunit;

namespace Handwritten.Server.Tests.OpenAi;

/// <summary>The options of the command as fields of a request: all of them, under all their names, with the same meaning.</summary>
[Collection(OneServerForAll.Name)]
public sealed class SettingFieldTests(SharedServer shared)
{
    /// <summary>How many windows are computed at a time is the server's choice, and it cuts none by the clock.</summary>
    private static readonly string[] NotOfRequests = ["batch_size", "stride"];

    private readonly RunningServer _server = shared.Server;

    [Fact]
    public async Task Every_name_that_the_command_knows_is_a_field()
    {
        (string Name, string Value)[] fields =
        [
            .. Fields(TranscriptionSettings.All, new TranscriptionChoice()), .. Fields(LayoutSettings.All, new WriterOptions()),
            .. Fields(WindowChoice.Settings.Where(setting => !NotOfRequests.Contains(setting.Name)), new WindowChoice()),
        ];
        string[] names = [.. fields.Select(field => field.Name)];
        Assert.All(["log_prob_threshold", "logprob_threshold", "prefix", "vad_filter", "vad_min_silence_duration_ms", "chunk_length", "clip_timestamps"], name => Assert.Contains(name, names));

        using HttpResponseMessage response = await _server.TranscribeAsync([.. fields.Where(field => field.Name != "task")]);
        Assert.Equal((HttpStatusCode.OK, RunningServer.Text), (response.StatusCode, (await response.JsonAsync()).GetProperty("text").GetString()));

        string document = await _server.Client.GetStringAsync("/openapi/v1.json");
        Assert.All(names.Where(name => name is not ("task" or "log_prob_threshold")), name => Assert.Contains($"\"{name}\": {{", document, StringComparison.Ordinal));
        Assert.All(NotOfRequests, name => Assert.DoesNotContain($"\"{name}\": {{", document, StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("vad_filter=true")]
    [InlineData("vad_filter=true vad_threshold=0.3 vad_min_silence_duration_ms=300")]
    [InlineData("chunking_strategy=auto")]
    [InlineData("chunking_strategy=auto vad_filter=true chunk_length=8 vad_speech_pad_ms=100")]
    [InlineData("chunking_strategy=auto clip_timestamps=0,10,50,60")]
    public async Task A_recording_is_cut_as_the_fields_say(string text)
    {
        (string Name, string Value)[] fields = [.. text.Split(' ').Select(field => field.Split('=')).Select(parts => (parts[0], parts[1]))];
        string file = TestData.Path("audio", "long-en.wav");
        using HttpContent form = RunningServer.Form(File.ReadAllBytes(file), [.. fields, ("language", "en"), ("response_format", "verbose_json")]);
        using HttpResponseMessage response = await _server.Client.PostAsync("/v1/audio/transcriptions", form);
        JsonElement answer = await response.JsonAsync();

        Segment[] expected = Expected(AudioFile.Load(file).Samples, fields);
        Assert.NotEmpty(expected);
        Assert.Equal(
            expected.Select(segment => (segment.Seek, segment.Start, segment.Text)),
            answer.GetProperty("segments").EnumerateArray().Select(segment => (segment.GetProperty("seek").GetInt32(), segment.GetProperty("start").GetDouble(), segment.GetProperty("text").GetString()!)));
    }

    [Fact]
    public async Task What_is_no_speech_is_not_heard()
    {
        using HttpContent form = RunningServer.Form(File.ReadAllBytes(TestData.Path("audio", "silence-noise.wav")), ("vad_filter", "true"), ("no_speech_threshold", "None"));
        using HttpResponseMessage response = await _server.Client.PostAsync("/v1/audio/transcriptions", form);
        Assert.Equal("", (await response.JsonAsync()).GetProperty("text").GetString());
    }

    /// <summary>The same by what the command stands on.</summary>
    private static Segment[] Expected(float[] samples, (string Name, string Value)[] fields)
    {
        TranscriptionOptions options = new() { Decoding = new() { Language = "en" } };
        WindowChoice windows = new() { BatchSize = fields.Contains(("chunking_strategy", "auto")) ? 2 : null };
        foreach ((string name, string value) in fields)
        {
            windows = WindowChoice.Settings.FirstOrDefault(setting => setting.Name == name)?.Apply(windows, name, value) ?? windows;
            options = name == "clip_timestamps" ? options with { Clips = [.. value.Split(',').Select(double.Parse)] } : options;
        }

        using WhisperModel model = WhisperModel.Load(TestData.Weights("whisper-nano"));
        using RecordingTranscriber transcriber = new(model);
        return [.. transcriber.Transcribe(PreparedRecording.Of(samples, options with { Windows = windows.ToOptions() })).Segments];
    }

    private static IEnumerable<(string Name, string Value)> Fields<TOptions>(IEnumerable<Setting<TOptions>> settings, TOptions initially) =>
        from setting in settings
        from name in setting.Aliases.Prepend(setting.Name)
        select (name, setting.Show(initially) is { Length: > 0 } value ? value : name == "language" ? "en" : "Please");
}
