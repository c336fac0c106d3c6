using System.Text.Json;
using Handwritten.Kernels;
using Handwritten.Model;
using Handwritten.Runtime.Decoding;
using Handwritten.Runtime.Hosting;
using Handwritten.Runtime.VoiceActivity;
using Handwritten.Tests;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.DependencyInjection;
using Xunit;
using TranscriptionOptions = Handwritten.Runtime.Transcription.TranscriptionOptions;

#pragma warning disable MEAI001 // The interface is experimental; this is where we hear of its changes.

namespace Handwritten.Runtime.Tests.Api;

/// <summary>The library in an application: dependency injection, and the interface of Microsoft.Extensions.AI.</summary>
public sealed class HostingTests : IAsyncLifetime
{
    private readonly ServiceProvider _application = new ServiceCollection()
        .AddHandwritten(options =>
        {
            options.Model = TestData.Weights("whisper-nano");
            options.Device = ComputeDevice.Cpu;
            options.Transcription = new() { WordTimestamps = true };
        })
        .BuildServiceProvider();

    private ISpeechToTextClient Client => _application.GetRequiredService<ISpeechToTextClient>();

    public Task InitializeAsync() => Task.CompletedTask;

    public async Task DisposeAsync() => await _application.DisposeAsync();

    [Fact]
    public async Task An_application_has_one_transcriber_with_its_options()
    {
        WhisperTranscriber transcriber = _application.GetRequiredService<WhisperTranscriber>();
        Assert.Same(transcriber, _application.GetRequiredService<WhisperTranscriber>());
        Transcript transcript = await transcriber.TranscribeAsync(TestData.Path("audio", "01-en.wav")).ToTranscriptAsync();
        Assert.All(transcript.Segments, segment => Assert.NotEmpty(segment.Words!));
        Assert.Throws<ModelException>(() => new ServiceCollection().AddHandwritten(options => options.Model = "missing").BuildServiceProvider().GetRequiredService<WhisperTranscriber>());
    }

    [Fact]
    public async Task The_transcriber_goes_with_the_application()
    {
        WhisperTranscriber transcriber = _application.GetRequiredService<WhisperTranscriber>();
        await _application.DisposeAsync();
        await Assert.ThrowsAsync<ObjectDisposedException>(() => transcriber.DetectLanguageAsync(TestData.Path("audio", "01-en.wav")));
    }

    [Fact]
    public async Task The_client_gives_text_and_times()
    {
        await using FileStream file = Open("01-en.wav");
        SpeechToTextResponse response = await Client.GetTextAsync(file);
        Assert.Equal("Please play rock music in the garage.", response.Text);
        Assert.Equal("whisper-nano", response.ModelId);
        Transcript transcript = Assert.IsType<Transcript>(response.RawRepresentation);
        Assert.Equal((transcript.Segments[0].Start, transcript.Segments[^1].End), (response.StartTime!.Value.TotalSeconds, response.EndTime!.Value.TotalSeconds));
        Assert.True(file.CanRead);
    }

    [Fact]
    public async Task The_client_streams_a_segment_at_a_time()
    {
        await using FileStream file = Open("10-en.wav");
        List<SpeechToTextResponseUpdate> updates = [];
        await foreach (SpeechToTextResponseUpdate update in Client.GetStreamingTextAsync(file, new() { SpeechLanguage = "en-US" }))
        {
            updates.Add(update);
        }

        Assert.Equal(SpeechToTextResponseUpdateKind.SessionOpen, updates[0].Kind);
        Assert.Equal(SpeechToTextResponseUpdateKind.SessionClose, updates[^1].Kind);
        Assert.All(updates[1..^1], update => Assert.Equal(SpeechToTextResponseUpdateKind.TextUpdated, update.Kind));
        Assert.Equal("Send a message to Emma. 27 and 93. 727.", updates.ToSpeechToTextResponse().Text);
        Assert.Equal(updates[1..^1].Select(update => update.StartTime).Order(), updates[1..^1].Select(update => update.StartTime));
        Assert.Single(updates.Select(update => update.ResponseId).Distinct());
    }

    [Fact]
    public async Task The_client_translates_to_English_and_to_nothing_else()
    {
        await using FileStream french = Open("14-fr.wav"), again = Open("14-fr.wav"), third = Open("14-fr.wav");
        WhisperTranscriber transcriber = _application.GetRequiredService<WhisperTranscriber>();
        string expected = (await transcriber.TranscribeAsync(french, new() { Decoding = new() { Language = "fr", Task = Model.Tokenization.SpeechTask.Translate } }).ToTranscriptAsync()).Text.Trim();

        Assert.Equal(expected, (await Client.GetTextAsync(again, new() { SpeechLanguage = "French", TextLanguage = "en" })).Text);
        OptionsException refused = await Assert.ThrowsAsync<OptionsException>(() => Client.GetTextAsync(third, new() { TextLanguage = "de" }));
        Assert.Contains("'de'", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_client_takes_our_own_options_and_shows_what_is_behind_it()
    {
        await using FileStream file = Open("01-en.wav");
        SpeechToTextResponse response = await Client.GetTextAsync(file, new() { RawRepresentationFactory = _ => new TranscriptionOptions { WordTimestamps = false } });
        Assert.All(Assert.IsType<Transcript>(response.RawRepresentation).Segments, segment => Assert.Null(segment.Words));

        Assert.Equal("whisper-nano", Client.GetService<SpeechToTextClientMetadata>()!.DefaultModelId);
        Assert.Same(_application.GetRequiredService<WhisperTranscriber>(), Client.GetService<WhisperTranscriber>());
        Assert.IsType<WhisperSpeechToTextClient>(Client.GetService<ISpeechToTextClient>());
        Assert.Null(Client.GetService<string>());
        Assert.Null(Client.GetService(typeof(WhisperTranscriber), "another"));
    }

    [Fact]
    public async Task The_client_takes_the_options_of_the_command_by_name()
    {
        WhisperTranscriber transcriber = _application.GetRequiredService<WhisperTranscriber>();
        TranscriptionOptions same = new()
        {
            Decoding = new() { Language = "en", BeamSize = 2, SuppressTokens = [-1, 50257] },
            Temperatures = [0.0],
            LogProbabilityThreshold = -2,
            Windows = new() { BatchSize = 2, VoiceActivity = VoiceActivityOptions.ForWindows with { Threshold = 0.4, PaddingMilliseconds = 100 } },
        };
        Transcript expected = await transcriber.TranscribeAsync(TestData.Path("audio", "10-en.wav"), same).ToTranscriptAsync();

        await using FileStream file = Open("10-en.wav"), again = Open("10-en.wav");
        SpeechToTextOptions options = new()
        {
            SpeechLanguage = "en",
            AdditionalProperties = new()
            {
                ["beam_size"] = 2,
                ["suppress_tokens"] = new[] { -1, 50257 },
                ["temperature_increment_on_fallback"] = null,
                ["log_prob_threshold"] = -2.0,
                ["batch_size"] = 2,
                ["vad_threshold"] = 0.4,
                ["vad_speech_pad_ms"] = "100",
                ["word_timestamps"] = false,
                ["somebody_else's"] = new object(),
            },
        };
        Transcript transcript = Assert.IsType<Transcript>((await Client.GetTextAsync(file, options)).RawRepresentation);
        Assert.NotEmpty(transcript.Segments);
        Assert.Equal(expected.Segments.Select(segment => (segment.Start, segment.End, segment.Text)), transcript.Segments.Select(segment => (segment.Start, segment.End, segment.Text)));
        Assert.All(transcript.Segments, segment => Assert.Null(segment.Words));

        OptionsException refused = await Assert.ThrowsAsync<OptionsException>(() => Client.GetTextAsync(again, new() { AdditionalProperties = new() { ["chunk_length"] = 31 } }));
        Assert.Equal("chunk_length must be a number from 1 to 30 or None, but it is '31'.", refused.Message);
    }

    [Fact]
    public void Settings_that_come_out_of_json_are_those_of_a_program()
    {
        const string json = """
            {
                "temperature": [0, 0.4], "suppress_tokens": [-1, 50257], "beam_size": 2, "word_timestamps": true, "initial_prompt": null,
                "hotwords": "Emma", "vad_filter": false, "logprob_threshold": null, "somebody_else's": { "a": [1] }
            }
            """;
        TranscriptionOptions initial = new() { InitialPrompt = "Earlier." };
        TranscriptionOptions read = AdditionalSettings.Apply(initial, JsonSerializer.Deserialize<AdditionalPropertiesDictionary>(json));
        TranscriptionOptions written = AdditionalSettings.Apply(initial, new()
        {
            ["temperature"] = new[] { 0, 0.4 },
            ["suppress_tokens"] = new[] { -1, 50257 },
            ["beam_size"] = 2,
            ["word_timestamps"] = true,
            ["initial_prompt"] = null,
            ["hotwords"] = "Emma",
            ["vad_filter"] = false,
            ["logprob_threshold"] = null,
        });
        Assert.Equal(JsonSerializer.Serialize(written), JsonSerializer.Serialize(read));
        Assert.Equal([0, 0.4], read.Temperatures);
        Assert.Equal([-1, 50257], read.Decoding.SuppressTokens);
    }

    [Fact]
    public async Task The_client_takes_texts_and_lists_of_temperatures_by_name()
    {
        WhisperTranscriber transcriber = _application.GetRequiredService<WhisperTranscriber>();
        TranscriptionOptions same = new()
        {
            Decoding = new() { Language = "en", Prefix = "Send", WithoutTimestamps = true },
            Temperatures = [0, 0.3],
            LogProbabilityThreshold = 0, // which no text is above
        };
        Transcript expected = await transcriber.TranscribeAsync(TestData.Path("audio", "10-en.wav"), same).ToTranscriptAsync();

        await using FileStream file = Open("10-en.wav"), again = Open("10-en.wav");
        SpeechToTextOptions options = new()
        {
            SpeechLanguage = "en",
            AdditionalProperties = new()
            {
                ["prefix"] = "Send",
                ["initial_prompt"] = null,
                ["without_timestamps"] = true,
                ["temperature"] = new[] { 0, 0.3 },
                ["logprob_threshold"] = 0,
                ["word_timestamps"] = false,
            },
        };
        Transcript transcript = Assert.IsType<Transcript>((await Client.GetTextAsync(file, options)).RawRepresentation);
        Assert.Equal(expected.Segments.Select(segment => (segment.Text, segment.Temperature)), transcript.Segments.Select(segment => (segment.Text, segment.Temperature)));
        Assert.Equal(0.3, Assert.Single(transcript.Segments).Temperature);
        Assert.StartsWith(" a message", transcript.Text, StringComparison.Ordinal);

        OptionsException refused = await Assert.ThrowsAsync<OptionsException>(() => Client.GetTextAsync(again, new() { AdditionalProperties = new() { ["temperature"] = new[] { 0, -1 } } }));
        Assert.Equal("temperature must be numbers from 0 to 100 with commas between them, but '-1' is not.", refused.Message);
    }

    private static FileStream Open(string clip) => File.OpenRead(TestData.Path("audio", clip));
}
