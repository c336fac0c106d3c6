using System.Text.Json;
using Handwritten.Runtime.Audio;
using Handwritten.Runtime.Decoding;
using Handwritten.Runtime.Transcription;
using Handwritten.Tests;
using Xunit;

namespace Handwritten.Runtime.Tests.Transcription;

/// <summary>Whole recordings through the demo model, against the original's transcribe() and against what was said.</summary>
public class TranscriberTests(DemoModel demo) : IClassFixture<DemoModel>
{
    public static TheoryData<string, string> Runs()
    {
        using JsonDocument reference = Reference();
        TheoryData<string, string> runs = [];
        foreach (JsonElement run in reference.RootElement.GetProperty("runs").EnumerateArray())
        {
            runs.Add(run.GetProperty("file").GetString()!, run.GetProperty("name").GetString()!);
        }

        return runs;
    }

    [Theory]
    [MemberData(nameof(Runs))]
    public void Transcribes_as_the_original_does(string file, string name)
    {
        using JsonDocument reference = Reference();
        JsonElement run = reference.RootElement.GetProperty("runs").EnumerateArray()
            .Single(run => run.GetProperty("file").GetString() == file && run.GetProperty("name").GetString() == name);
        JsonElement expected = run.GetProperty("result");
        using Transcriber transcriber = new(demo.Model);

        Transcript transcript = transcriber.Transcribe(Samples(file), ReferenceOptions.ReadTranscription(run.GetProperty("options")));

        Assert.Equal(expected.GetProperty("language").GetString(), transcript.Language);
        Assert.Equal(expected.GetProperty("text").GetString(), transcript.Text);
        JsonElement segments = expected.GetProperty("segments");
        Assert.Equal(segments.GetArrayLength(), transcript.Segments.Count);
        foreach ((JsonElement wanted, Segment segment) in segments.EnumerateArray().Zip(transcript.Segments))
        {
            Assert.Equal(wanted.GetProperty("seek").GetInt32(), segment.Seek);
            Assert.Equal(wanted.GetProperty("start").GetDouble(), segment.Start);
            Assert.Equal(wanted.GetProperty("end").GetDouble(), segment.End);
            Assert.Equal(wanted.GetProperty("text").GetString(), segment.Text);
            Assert.Equal(wanted.GetProperty("tokens").EnumerateArray().Select(token => token.GetInt32()), segment.Tokens);
            Assert.Equal(wanted.GetProperty("temperature").GetDouble(), segment.Temperature);
            Assert.Equal(wanted.GetProperty("avg_logprob").GetDouble(), segment.AverageLogProbability, 1e-3);
            Assert.Equal(wanted.GetProperty("compression_ratio").GetDouble(), segment.CompressionRatio, 1e-3);
            Assert.Equal(wanted.GetProperty("no_speech_prob").GetDouble(), segment.NoSpeechProbability, 1e-3);
            ReferenceWords.AssertEqual(wanted, segment.Words, timeTolerance: 1e-9, probabilityTolerance: 1e-3);
        }
    }

    [Fact]
    public void Silence_gives_no_text()
    {
        using Transcriber transcriber = new(demo.Model);
        Assert.Equal("", transcriber.Transcribe(Samples("silence-noise.wav"), new()).Text);
        Assert.Empty(transcriber.Transcribe([], new()).Segments);
    }

    [Theory]
    [InlineData("formats-44k1-stereo.wav")]
    [InlineData("formats.mp3")]
    [InlineData("formats.flac")]
    public void Every_format_gives_the_same_text(string file)
    {
        using Transcriber transcriber = new(demo.Model);
        Assert.Equal(" Add bananas to the shopping list.", transcriber.Transcribe(Samples(file), new()).Text);
    }

    [Theory]
    [InlineData("clean", 0.073)]
    [InlineData("noisy", 0.175)]
    [InlineData("long", 0.22)]
    public void Word_errors_are_those_of_the_model_card(string condition, double cardRate)
    {
        using Transcriber transcriber = new(demo.Model);
        using JsonDocument manifest = JsonDocument.Parse(File.ReadAllBytes(TestData.Path("audio", "manifest.json")));
        int errors = 0, words = 0;
        foreach (JsonElement clip in manifest.RootElement.GetProperty("clips").EnumerateArray().Where(clip => Condition(clip) == condition))
        {
            TranscriptionOptions options = new() { ConditionOnPreviousText = false, Decoding = new() { Language = "en" } };
            string text = transcriber.Transcribe(Samples(clip.GetProperty("file").GetString()!), options).Text;
            string[] said = WordErrors.Words(clip.GetProperty("text").GetString()!);
            errors += WordErrors.Count(said, WordErrors.Words(text));
            words += said.Length;
        }

        Assert.True(words >= 10, $"{words} words");
        Assert.True((double)errors / words <= cardRate + 0.01, $"{condition}: {errors} errors in {words} words, the model card says {cardRate:P1}");
    }

    /// <summary>The model card's conditions; null for clips that it has none for, or too few here to compare.</summary>
    private static string? Condition(JsonElement clip) => clip.GetProperty("file").GetString() switch
    {
        "long-en.wav" => "long",
        var file when !file!.EndsWith("-en.wav", StringComparison.Ordinal) || clip.GetProperty("segments").GetArrayLength() > 1 => null,
        _ => clip.GetProperty("snr_db").ValueKind == JsonValueKind.Number ? "noisy" : "clean",
    };

    [Fact]
    public void Too_little_memory_names_the_options_to_change_and_leaves_the_transcriber_usable()
    {
        using Transcriber transcriber = new(demo.Model);
        OptionsException failure = Assert.Throws<OptionsException>(() => transcriber.Reserve(windows: 1_000_000_000, lanes: 5, words: false));
        Assert.Equal("There is too little memory for 1000000000 windows (batch_size) with 5 sequences in all (beam_size, best_of) at a time: choose smaller ones.", failure.Message);
        Assert.NotEmpty(transcriber.Transcribe(AudioFile.Load(TestData.Path("audio", "01-en.wav")).Samples, new()).Segments);
    }

    [Fact]
    public void A_cancelled_run_keeps_what_it_has()
    {
        using Transcriber transcriber = new(demo.Model);
        using CancellationTokenSource cancel = new();
        using TranscriptionRun run = transcriber.Start(Samples("long-en.wav"), new() { ConditionOnPreviousText = false, Decoding = new() { Language = "en" } }, cancel.Token);
        Assert.Throws<OperationCanceledException>(() =>
        {
            foreach (Segment _ in run.Segments())
            {
                cancel.Cancel();
            }
        });
        Assert.NotEmpty(run.Transcript.Segments);
        Assert.StartsWith(" Lock the blinds.", run.Transcript.Text, StringComparison.Ordinal);
        Assert.InRange(run.Position, 1, run.Duration - 1);
    }

    [Fact]
    public void The_same_recording_gives_the_same_tokens_after_another_one()
    {
        using Transcriber transcriber = new(demo.Model);
        Transcript first = transcriber.Transcribe(Samples("04-en.wav"), new());
        transcriber.Transcribe(Samples("10-en.wav"), new());
        Transcript again = transcriber.Transcribe(Samples("04-en.wav"), new());
        Assert.Equal(first.Segments.SelectMany(segment => segment.Tokens), again.Segments.SelectMany(segment => segment.Tokens));
        Assert.Equal(first.Segments[0].AverageLogProbability, again.Segments[0].AverageLogProbability);
    }

    private static float[] Samples(string file) => AudioFile.Load(TestData.Path("audio", file)).Samples;

    private static JsonDocument Reference() => JsonDocument.Parse(File.ReadAllBytes(TestData.Path("reference", "nano", "transcribe.json")));
}
