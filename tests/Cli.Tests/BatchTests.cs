using System.CommandLine;
using System.Text.Json;
using System.Text.RegularExpressions;
using Handwritten.Runtime;
using Handwritten.Runtime.Audio;
using Handwritten.Runtime.Transcription;
using Handwritten.Tests;
using Xunit;

namespace Handwritten.Cli.Tests;

/// <summary>Windows side by side, speech alone and overlapping windows, with the real program.</summary>
public sealed class BatchTests : IDisposable
{
    private static readonly string Long = TestData.Path("audio", "long-en.wav"), Short = TestData.Path("audio", "10-en.wav"), Noise = TestData.Path("audio", "silence-noise.wav");

    private readonly Sandbox _sandbox = new();

    public void Dispose() => _sandbox.Dispose();

    [Fact]
    public void Recordings_in_batches_have_the_text_that_they_have_one_by_one_and_a_failing_one_disturbs_nobody()
    {
        string[] options = ["--language", "en", "--beam_size", "None", "--verbose", "False", "--quiet", "-f", "json", "-o"];
        Outcome alone = _sandbox.Handwritten(["transcribe", Long, Short, Noise, "--batch-size", "1", .. options, "alone"]);
        Assert.Equal((0, ""), (alone.ExitCode, alone.Error));
        Outcome together = _sandbox.Handwritten(["transcribe", Long, "missing.wav", Short, _sandbox.Write("broken.wav", "no sound"), Noise, "--batch_size", "8", .. options, "together"]);
        Assert.Equal((int)ExitCode.UnreadableAudio, together.ExitCode);
        Assert.Equal(2, together.ErrorLines.Length);
        Assert.Contains("missing.wav", together.ErrorLines[0], StringComparison.Ordinal);
        Assert.Contains("broken.wav", together.ErrorLines[1], StringComparison.Ordinal);
        foreach (string name in new[] { "long-en.json", "10-en.json", "silence-noise.json" })
        {
            JsonElement expected = Read("alone", name), actual = Read("together", name);
            Assert.Equal(expected.GetProperty("text").GetString(), actual.GetProperty("text").GetString());
            Assert.Equal(Times(expected), Times(actual));
        }

        Assert.Contains("The train to London leaves at 11 a.m.", Read("together", "long-en.json").GetProperty("text").GetString(), StringComparison.Ordinal);
        Assert.Equal("", Read("together", "silence-noise.json").GetProperty("text").GetString());
    }

    [Fact]
    public void Prints_each_recording_in_its_turn_and_tells_of_all_of_them_once()
    {
        Outcome outcome = _sandbox.Handwritten("transcribe", Short, TestData.Path("audio", "12-es.wav"), "--batch-size", "4", "--temperature", "0", "--word-timestamps", "True", "--vad-speech-pad-ms", "500", "-f", "srt");
        Assert.Equal(0, outcome.ExitCode);
        Assert.Equal(["wrote 10-en.srt", "wrote 12-es.srt"], outcome.ErrorLines[..^1]);
        Assert.Equal(["Detected language: English", "Detected language: Spanish"], outcome.OutputLines.Where(line => line.StartsWith("Detected", StringComparison.Ordinal)));
        Assert.Matches("^2 recordings: 10.2 s of audio in ", outcome.ErrorLines[^1]);
        Assert.True(outcome.OutputLines.Length >= 2);
        Assert.All(outcome.OutputLines, line => Assert.Matches(@"^(Detect.*|\[\d\d:\d\d\.\d{3} --> \d\d:\d\d\.\d{3}\] .*)$", line));
    }

    [Fact]
    public void What_is_in_the_cache_is_told_in_its_turn()
    {
        string[] ask = ["transcribe", "--batch-size", "4", "--temperature", "0", "--beam-size", "None", "--cache", "kept", "-f", "none"];
        Outcome first = _sandbox.Handwritten([.. ask, Short]);
        Outcome both = _sandbox.Handwritten([.. ask, TestData.Path("audio", "01-en.wav"), Short]);
        Assert.Equal((0, 0), (first.ExitCode, both.ExitCode));
        Assert.EndsWith(first.Output, both.Output, StringComparison.Ordinal);
        Assert.Equal($"'{Short}': taken from the cache.", both.ErrorLines[0]);
        Assert.StartsWith($"'{TestData.Path("audio", "01-en.wav")}': ", both.ErrorLines[1], StringComparison.Ordinal);
        Assert.Equal(2, both.ErrorLines.Length);
    }

    [Fact]
    public void What_is_known_of_a_recording_is_neither_cut_nor_heard_again()
    {
        // Looking for speech would find that this is no sound, and hearing it would ask for a model: the command line has none.
        AudioClip clip = new([float.NaN], new AudioSource("'a'", "", null, null, 0));
        using RecordingLoop loop = new(new ModelOptions(), new RootCommand().Parse([]), (_, _) => clip);
        Transcript known = new("Known.", [], "en");
        List<(string, Transcript?)> finished = [];
        ExitCode exitCode = BatchingSettings.Run(
            new TranscriptionOptions { Windows = new() { BatchSize = 2 } }, loop, ["a", "b"], new Narrator(verbose: false, quiet: true), _ => known,
            (recording, _, transcript, _) => finished.Add((recording, transcript)), default);
        Assert.Equal(ExitCode.Ok, exitCode);
        Assert.Equal([("a", known), ("b", known)], finished);
    }

    [Fact]
    public void Speech_alone_keeps_its_times()
    {
        Outcome outcome = _sandbox.Handwritten("transcribe", Short, Noise, "--language", "en", "--vad_filter", "True", "--temperature", "0", "-f", "json", "-o", ".");
        Assert.Equal(0, outcome.ExitCode);
        Assert.Empty(Read(".", "silence-noise.json").GetProperty("segments").EnumerateArray());
        Assert.All(Times(Read(".", "10-en.json")), time => Assert.InRange(time.Start, 0, 8.2));
        Assert.NotEmpty(Times(Read(".", "10-en.json")));
    }

    [Fact]
    public void Overlapping_windows_give_the_same_alone_and_side_by_side()
    {
        string[] options = ["--language", "en", "--temperature", "0", "--beam_size", "None", "--chunk-length", "20", "--stride", "4", "-f", "json", "-o"];
        Assert.Equal(0, _sandbox.Handwritten(["transcribe", Long, .. options, "alone"]).ExitCode);
        Assert.Equal(0, _sandbox.Handwritten(["transcribe", Long, "--batch-size", "8", .. options, "together"]).ExitCode);
        JsonElement expected = Read("alone", "long-en.json"), actual = Read("together", "long-en.json");
        Assert.Equal(expected.GetProperty("text").GetString(), actual.GetProperty("text").GetString());
        Assert.Equal(Times(expected), Times(actual));
        Assert.InRange(Times(actual).Length, 15, 45);
    }

    [Fact]
    public void A_length_without_a_stride_is_that_of_the_longest_window_of_a_batch()
    {
        string[] options = ["--language", "en", "--temperature", "0", "--beam_size", "None", "--batch_size", "4", "-f", "json", "-o"];
        Assert.Equal(0, _sandbox.Handwritten(["transcribe", Long, .. options, "long"]).ExitCode);
        Assert.Equal(0, _sandbox.Handwritten(["transcribe", Long, "--chunk_length", "6", "--vad_filter", "True", .. options, "short"]).ExitCode);
        int[] Windows(string folder) => [.. Read(folder, "long-en.json").GetProperty("segments").EnumerateArray().Select(segment => segment.GetProperty("seek").GetInt32()).Distinct()];
        Assert.InRange(Windows("long").Length, 3, 6);
        Assert.InRange(Windows("short").Length, 10, 30);
    }

    [Fact]
    public void Clips_are_the_windows_of_a_batch()
    {
        Outcome outcome = _sandbox.Handwritten("transcribe", Long, "--language", "en", "--temperature", "0", "--batch-size", "2", "--clip-timestamps", "0,10,50,60", "-f", "json", "-o", ".");
        Assert.Equal(0, outcome.ExitCode);
        (double Start, double End)[] times = Times(Read(".", "long-en.json"));
        Assert.NotEmpty(times);
        Assert.All(times, time => Assert.True(time.End <= 10 || (time.Start >= 50 && time.End <= 60), $"{time}"));

        // Each says what it says alone, though all of them would fit into one window.
        string[] clips = ["0,3", "10,13", "20,23"];
        string[] alone = [.. clips.SelectMany(clip => Segments("--batch-size", "1", "--clip-timestamps", clip))];
        Assert.True(alone.Length >= clips.Length);
        Assert.Equal(alone, Segments("--batch-size", "4", "--clip-timestamps", string.Join(',', clips)));

        string[] Segments(params string[] options) =>
            _sandbox.Handwritten(["transcribe", Long, "--language", "en", "--temperature", "0", "--beam-size", "None", "-f", "none", .. options]).OutputLines;

        Outcome behind = _sandbox.Handwritten("transcribe", Short, "--batch-size", "2", "--clip-timestamps", "50");
        Assert.Equal((int)ExitCode.WrongUsage, behind.ExitCode);
        Assert.Single(behind.ErrorLines).IsSentenceWith("A clip begins at 50 s");
    }

    [Theory]
    [InlineData("--batch-size 0", "--batch-size must be a whole number from 1 to 256 or None, but it is '0'.")]
    [InlineData("--batch-size 257", "--batch-size must be a whole number from 1 to 256 or None, but it is '257'.")]
    [InlineData("--chunk-length 31", "--chunk-length must be a number from 1 to 30 or None, but it is '31'.")]
    [InlineData("--chunk-length 10 --stride 5", "a stride of 5 s on both sides leaves less than 0.5 s of a window of 10 s")]
    [InlineData("--stride 5", "--stride says how windows overlap: give --chunk-length as well.")]
    [InlineData("--chunk-length 30 --vad-filter True", "--chunk-length cuts by the clock, and --vad-filter at silences: give only one of them.")]
    [InlineData("--batch-size 4 --stride 5", "--stride says how windows overlap: give --chunk-length as well.")]
    [InlineData("--batch-size 4 --chunk-length 30 --stride 5 --vad-filter True", "--chunk-length cuts by the clock, and --vad-filter at silences: give only one of them.")]
    [InlineData("--batch-size 4 --chunk-length 0", "--chunk-length must be a number from 1 to 30 or None, but it is '0'.")]
    [InlineData("--batch-size 4 --vad-filter False", "--batch-size cuts at silences, which --vad-filter False forbids")]
    [InlineData("--vad-threshold 0.4", "--vad-threshold says what speech is: give --vad-filter or --batch-size as well.")]
    [InlineData("--vad-filter True --vad-threshold 0.3 --vad-neg-threshold 0.4", "--vad-neg-threshold is above --vad-threshold")]
    [InlineData("--vad-filter True --clip-timestamps 1", "--clip-timestamps names what to transcribe, and so does --vad-filter")]
    [InlineData("--batch-size 4 --condition-on-previous-text True", "do not know the text before them: leave out --condition-on-previous-text.")]
    [InlineData("--chunk-length 30 --word-timestamps True --hallucination-silence-threshold 2", "moves windows, and --chunk-length fixes them")]
    public void Refuses_what_makes_no_sense(string options, string sentence)
    {
        Outcome outcome = _sandbox.Handwritten(["transcribe", Short, .. options.Split(' ')]);
        Assert.Equal((int)ExitCode.WrongUsage, outcome.ExitCode);
        Assert.Single(outcome.ErrorLines).IsSentenceWith(sentence);
        Assert.Equal("", outcome.Output);
    }

    [Fact]
    public void Settings_are_timed_in_turns_and_only_ratios_within_a_turn_count()
    {
        string[] command = ["bench", "batches", Short, TestData.Path("audio", "01-en.wav"), "--runs", "1"];
        Outcome outcome = _sandbox.Handwritten(command);
        Assert.Equal((0, ""), (outcome.ExitCode, outcome.Error));
        Assert.Matches(@"^whisper-nano on CPU .*; 2 recordings of 11\.\d s with \d windows, medians of 1 turns\n", outcome.Output);
        Assert.Equal(4, outcome.OutputLines.Count(line => Regex.IsMatch(line, @"^ *(greedy|5 beams)(, words)? +(\d+\.\d\d s +){4}(\d+\.\d\dx *){3} *$")));
        Assert.Equal(4, outcome.OutputLines.Count(line => Regex.IsMatch(line, @"^ *(5 beams : greedy|words : none).* +(\d+\.\d\dx *){4}$")));
        Assert.Matches(@"as 2 that share batches \d+\.\d\d times as long, as 2 one by one \d+\.\d\d times\.", outcome.Output);

        JsonElement result = JsonDocument.Parse(_sandbox.Handwritten([.. command, "--json"]).Output).RootElement;
        Assert.Equal((18, 1, 18), (result.GetProperty("settings").GetArrayLength(), result.GetProperty("turns").GetArrayLength(), result.GetProperty("turns")[0].GetArrayLength()));
    }

    private static (double Start, double End)[] Times(JsonElement transcript) =>
        [.. transcript.GetProperty("segments").EnumerateArray().Select(segment => (segment.GetProperty("start").GetDouble(), segment.GetProperty("end").GetDouble()))];

    private JsonElement Read(params string[] path) => JsonDocument.Parse(File.ReadAllText(_sandbox[path])).RootElement;
}
