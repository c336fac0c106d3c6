using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using System.Text.RegularExpressions;
using Handwritten.Tests;
using Xunit;

namespace Handwritten.Cli.Tests;

/// <summary>
/// Transcribing with the real program. The expected lines and files are those of openai/whisper for the same model,
/// recording and options, which are given to this program in the original's own spelling.
/// </summary>
public sealed class TranscribeTests : IDisposable
{
    private static readonly JsonElement[] Runs = [.. Reference("nano", "transcribe.json").GetProperty("runs").EnumerateArray()];

    private const string FirstLine = "[00:00.000 --> 00:02.200]  Please play rock music in the garage.";

    private const string Hint = "Detecting language using up to the first 30 seconds. Use `--language` to specify the language";

    private readonly Sandbox _sandbox = new();

    public void Dispose() => _sandbox.Dispose();

    [Theory]
    [InlineData("long-en.wav", "no_condition_on_previous_text")]
    [InlineData("long-en.wav", "default_temperature_0")]
    [InlineData("10-en.wav", "initial_prompt")]
    [InlineData("10-en.wav", "without_timestamps")]
    [InlineData("10-en.wav", "language_autodetect")]
    [InlineData("12-es.wav", "language_autodetect")]
    [InlineData("12-es.wav", "translate")]
    [InlineData("silence-noise.wav", "default_temperature_0")]
    [InlineData("long-en.wav", "beam5_word_timestamps")]
    [InlineData("long-en.wav", "clip_timestamps_long")]
    [InlineData("long-en.wav", "hallucination_silence_threshold")]
    [InlineData("10-en.wav", "beam5_patience2_length_penalty_0.6")]
    [InlineData("10-en.wav", "carry_initial_prompt")]
    [InlineData("10-en.wav", "suppress_nothing")]
    [InlineData("10-en.wav", "no_speech_threshold_off")]
    [InlineData("10-en.wav", "punctuation_merging_off")]
    public void Prints_the_segments_of_the_original(string recording, string name)
    {
        JsonElement run = Run(recording, name);
        Outcome outcome = Transcribe(recording, [.. Arguments(run), "--output_format", "none"]);
        Assert.Equal(0, outcome.ExitCode);

        string language = run.GetProperty("result").GetProperty("language").GetString() == "es" ? "Spanish" : "English";
        bool detected = run.GetProperty("options").GetProperty("language").ValueKind == JsonValueKind.Null;
        string[] head = detected ? [Hint, $"Detected language: {language}"] : [];
        Assert.Equal([.. head, .. Lines(run.GetProperty("result")).Select(line => line.TrimEnd())], outcome.OutputLines.Select(WithoutClearedText));
        Assert.Matches(@"\.wav.*: \d+\.\d s of audio in \d+\.\d s, real-time factor \d+\.\d{3}, whisper-nano on CPU \(.*threads?.*\)$", Assert.Single(outcome.ErrorLines));
    }

    [Theory]
    [InlineData("10-en.wav", "default_temperature_0")]
    [InlineData("12-es.wav", "default_temperature_0")]
    [InlineData("silence-noise.wav", "default_temperature_0")]
    [InlineData("long-en.wav", "word_timestamps")]
    public void Writes_the_files_of_the_original(string recording, string runName)
    {
        JsonElement run = Run(recording, runName);
        Outcome outcome = Transcribe(recording, [.. Arguments(run), "--output_dir", "a/b", "--verbose", "False", "--quiet"]);
        Assert.Equal(new Outcome(0, "", ""), outcome);

        string name = Path.GetFileNameWithoutExtension(recording);
        JsonElement written = run.GetProperty("written");
        Assert.Equal(["json", "srt", "tsv", "txt", "vtt"], Directory.GetFiles(_sandbox["a/b"], $"{name}.*").Select(file => Path.GetExtension(file)[1..]).Order());
        Assert.All(["srt", "tsv", "txt", "vtt"], format =>
            Assert.Equal(written.GetProperty(format).GetString(), File.ReadAllText(_sandbox["a/b", $"{name}.{format}"])));
        AssertSameJson(JsonDocument.Parse(written.GetProperty("json").GetString()!).RootElement, JsonDocument.Parse(File.ReadAllText(_sandbox["a/b", $"{name}.json"])).RootElement);
    }

    [Theory]
    [InlineData("--output_format=srt", "01-en.srt")]
    [InlineData("--output-format srt -f txt", "01-en.txt")]
    [InlineData("--output-format srt,txt", "01-en.srt 01-en.txt")]
    [InlineData("-f all,srt", "01-en.json 01-en.srt 01-en.tsv 01-en.txt 01-en.vtt")]
    [InlineData("-o .", "01-en.json 01-en.srt 01-en.tsv 01-en.txt 01-en.vtt")]
    [InlineData("", "01-en.json 01-en.srt 01-en.tsv 01-en.txt 01-en.vtt")]
    [InlineData("-f none", "")]
    [InlineData("-f none -ftxt", "01-en.txt")]
    [InlineData("--output_name {language}-{number}", "en-001.json en-001.srt en-001.tsv en-001.txt en-001.vtt")]
    public void Writes_the_formats_that_were_asked_for(string options, string files)
    {
        Assert.Equal(0, Transcribe("01-en.wav", options.Split(' ', StringSplitOptions.RemoveEmptyEntries)).ExitCode);
        Assert.Equal(files.Split(' ', StringSplitOptions.RemoveEmptyEntries), Directory.GetFiles(_sandbox.Folder).Select(Path.GetFileName).Order(StringComparer.Ordinal));
    }

    [Theory]
    [InlineData("", "wrote 01-en.txt, .vtt, .srt, .tsv and .json")]
    [InlineData("-f srt,csv", "wrote 01-en.srt and .csv")]
    [InlineData("-o a/b -f txt", "wrote a/b/01-en.txt")]
    [InlineData("-f none", null)]
    public void The_last_line_says_what_was_written(string options, string? line)
    {
        Outcome outcome = Transcribe("01-en.wav", ["--language", "en", .. options.Split(' ', StringSplitOptions.RemoveEmptyEntries)]);
        Assert.Equal("[00:00.000 --> 00:02.200]  Please play rock music in the garage.", Assert.Single(outcome.OutputLines));
        Assert.Equal(line is null ? 1 : 2, outcome.ErrorLines.Length);
        Assert.True(line is null || outcome.ErrorLines[^1] == line, outcome.Error);
    }

    [Theory]
    [InlineData("", $"{Hint}\nDetected language: English\n{FirstLine}\n")]
    [InlineData("--verbose False", "Detected language: English\n")]
    [InlineData("--language_detection_segments 2 --verbose False --multilingual True", "Detected language: English\n")]
    [InlineData("--quiet", $"{FirstLine}\n")]
    [InlineData("--quiet --verbose False", "")]
    [InlineData("--language en", $"{FirstLine}\n")]
    public void Standard_output_is_that_of_the_original_unless_only_the_text_is_wanted(string options, string output)
    {
        string[] arguments = [.. options.Split(' ', StringSplitOptions.RemoveEmptyEntries), "-f", "none", "--cache", "kept"];
        Assert.Equal(output, Transcribe("01-en.wav", arguments).Output.ReplaceLineEndings("\n"));
        Assert.Equal(output, Transcribe("01-en.wav", arguments).Output.ReplaceLineEndings("\n"));
    }

    [Theory]
    [InlineData("formats.mp3")]
    [InlineData("formats.flac")]
    [InlineData("formats-44k1-stereo.wav")]
    public void Reads_what_people_have(string recording)
    {
        Outcome outcome = Transcribe(recording, "--language", "English", "--quiet");
        Assert.Equal(0, outcome.ExitCode);
        Assert.EndsWith("]  Add bananas to the shopping list.", Assert.Single(outcome.OutputLines), StringComparison.Ordinal);
    }

    [Fact]
    public void Reads_standard_input()
    {
        using Process process = _sandbox.StartHandwritten("transcribe", "-", "--language", "en", "-f", "txt");
        using (FileStream recording = File.OpenRead(TestData.Path("audio", "01-en.wav")))
        {
            recording.CopyTo(process.StandardInput.BaseStream);
        }

        process.StandardInput.Close();
        Assert.Equal("[00:00.000 --> 00:02.200]  Please play rock music in the garage.\n", process.StandardOutput.ReadToEnd().ReplaceLineEndings("\n"));
        process.WaitForExit();
        Assert.Equal("Please play rock music in the garage.\n", File.ReadAllText(_sandbox["stdin.txt"]));
    }

    [Fact]
    public void Standard_input_has_no_files_unless_they_are_asked_for()
    {
        Outcome Heard(params string[] arguments)
        {
            string line = $"\"$DOTNET\" \"$PROGRAM\" transcribe - \"$OTHER\" --language en --quiet {string.Join(' ', arguments)} <\"$RECORDING\"";
            return _sandbox.InShell(line, ("RECORDING", TestData.Path("audio", "01-en.wav")), ("OTHER", TestData.Path("audio", "02-en.wav")));
        }

        Assert.Equal((2, ""), (Heard().OutputLines.Length, Heard().Error));
        Assert.Equal(["02-en.json", "02-en.srt", "02-en.tsv", "02-en.txt", "02-en.vtt"], Files());
        Heard("--output_format", "txt");
        Assert.Contains("stdin.txt", Files());

        IEnumerable<string?> Files() => Directory.GetFiles(_sandbox.Folder).Select(Path.GetFileName).Order(StringComparer.Ordinal);
    }

    [Fact]
    public void Drawn_text_is_the_same_with_the_same_seed()
    {
        string[] options = ["--language", "en", "--quiet", "--temperature", "0.9", "--temperature-increment-on-fallback", "None", "--best-of", "2", "--seed"];
        string first = Transcribe("10-en.wav", [.. options, "1"]).Output;
        Assert.Equal(first, Transcribe("10-en.wav", [.. options, "1"]).Output);
        Assert.NotEqual(first, Transcribe("10-en.wav", [.. options, "2"]).Output);
    }

    [Fact]
    public void A_clip_behind_the_end_of_one_recording_leaves_the_others_alone()
    {
        Outcome outcome = _sandbox.Handwritten("transcribe", TestData.Path("audio", "01-en.wav"), TestData.Path("audio", "10-en.wav"), "--language", "en", "--clip-timestamps", "5,7");
        Assert.Equal((int)ExitCode.WrongUsage, outcome.ExitCode);
        Assert.Matches("01-en.wav': A clip begins at 5 s, but the recording ends at 2.* s.$", outcome.ErrorLines[0]);
        Assert.StartsWith("[00:05.000 --> 00:06.", outcome.Output, StringComparison.Ordinal);
    }

    [Fact]
    public void A_long_prompt_is_cut_and_that_is_told()
    {
        Outcome outcome = Transcribe("01-en.wav", "--language", "en", "--initial-prompt", string.Concat(Enumerable.Repeat("word ", 300)), "--hotwords", string.Concat(Enumerable.Repeat("hot ", 230)));
        Assert.Equal(0, outcome.ExitCode);
        Assert.Equal("--initial-prompt has 300 tokens, more than the 223 that fit: the last 223 count.", outcome.ErrorLines[0]);
        Assert.Equal("--hotwords has 230 tokens, more than the 223 that fit: the first 223 count.", outcome.ErrorLines[1]);
    }

    [Fact]
    public void Threads_change_nothing()
    {
        string[] options = ["--language", "en", "--quiet", "--threads"];
        Assert.Equal(Transcribe("10-en.wav", [.. options, "1"]).Output, Transcribe("10-en.wav", [.. options, "3"]).Output);
    }

    [Theory]
    [InlineData("file")] // a file where the folder should be
    [InlineData("file/below")]
    public void A_folder_that_cannot_be_created_is_told_before_any_work(string folder)
    {
        _sandbox.Write("file", "");
        Transcribe("01-en.wav", "--output-dir", folder).Is(ExitCode.UnwritableOutput, $"'{folder}'");
    }

    [LinuxFact]
    public void A_folder_that_takes_no_files_is_told_before_any_work() => // nobody may create a file there, root neither
        Transcribe("01-en.wav", "--output-dir", "/proc").Is(ExitCode.UnwritableOutput, "'/proc' takes no files");

    [LinuxFact]
    public void A_current_folder_that_takes_no_files_is_told_before_any_work()
    {
        Outcome Below(string options) => _sandbox.InShell($"cd /proc && \"$DOTNET\" \"$PROGRAM\" transcribe \"$RECORDING\" --quiet {options}", ("RECORDING", TestData.Path("audio", "01-en.wav")));
        Below("").Is(ExitCode.UnwritableOutput, "The output folder '.' takes no files", "or give --output-format none to print only.");
        Assert.Equal((0, ""), (Below("-f none").ExitCode, Below("-f none").Error));
    }

    [Fact]
    public void A_file_that_cannot_be_written_fails_with_the_text_on_the_screen_and_no_other_file()
    {
        Directory.CreateDirectory(_sandbox["01-en.srt"]);
        Outcome outcome = Transcribe("01-en.wav", "--quiet");
        Assert.Equal((int)ExitCode.UnwritableOutput, outcome.ExitCode);
        Assert.Contains("Please play", outcome.Output, StringComparison.Ordinal);
        Assert.Single(outcome.ErrorLines).IsSentenceWith("01-en.srt");
        Assert.Empty(Directory.GetFiles(_sandbox.Folder, "*", SearchOption.AllDirectories));
    }

    [LinuxFact]
    public void A_full_disk_behind_standard_output_is_told()
    {
        Outcome outcome = _sandbox.InShell("\"$DOTNET\" \"$PROGRAM\" transcribe --quiet \"$RECORDING\" >/dev/full", ("RECORDING", TestData.Path("audio", "01-en.wav")));
        outcome.Is(ExitCode.UnwritableOutput, "Standard output cannot be written: No space left on device");
    }

    [LinuxFact]
    public void A_terminal_shows_a_bar_below_the_segments()
    {
        // `script` gives the program a terminal of its own.
        Outcome outcome = _sandbox.InShell("script -qec '\"$DOTNET\" \"$PROGRAM\" transcribe \"$RECORDING\"' /dev/null", ("RECORDING", TestData.Path("audio", "01-en.wav")), ("TERM", "xterm"));
        Assert.Equal(0, outcome.ExitCode);
        Assert.Matches(@"(?s)Detected language: English.*01-en\.wav.* 0%.*\x1b\[J\[00:00\.000 --> 00:02\.200\]  Please play.*100%.*real-time factor", outcome.Output);
    }

    [LinuxFact]
    public void Interrupting_keeps_what_was_printed_and_leaves_no_file()
    {
        using Process process = _sandbox.StartHandwritten("transcribe", TestData.Path("audio", "long-en.wav"), "--language", "en",
            "--beam-size", "None", "--temperature-increment-on-fallback", "None", "--condition-on-previous-text", "False", "--threads", "1", "-o", ".");
        string? first = process.StandardOutput.ReadLine();
        Interrupt(process);
        string rest = process.StandardOutput.ReadToEnd();
        Assert.True(process.WaitForExit(TimeSpan.FromSeconds(30)));
        Assert.Equal((int)ExitCode.Interrupted, process.ExitCode);
        Assert.Equal("handwritten: Interrupted.\n", process.StandardError.ReadToEnd());
        string[] lines = [first!, .. rest.Split('\n', StringSplitOptions.RemoveEmptyEntries)];
        string[] all = [.. Lines(Run("long-en.wav", "no_condition_on_previous_text").GetProperty("result"))];
        Assert.True(lines.Length < all.Length, "It ended before it was interrupted.");
        Assert.Equal(all[..lines.Length], lines);
        Assert.Empty(Directory.EnumerateFileSystemEntries(_sandbox.Folder));
    }

    [LinuxFact]
    public void Interrupting_ends_the_wait_for_a_silent_pipe()
    {
        using Process process = _sandbox.StartHandwritten("transcribe", "--quiet", TestData.Path("audio", "01-en.wav"), "-");
        Assert.Contains("Please play", process.StandardOutput.ReadLine(), StringComparison.Ordinal);
        Interrupt(process);
        Assert.True(process.WaitForExit(TimeSpan.FromSeconds(30)));
        Assert.Equal((int)ExitCode.Interrupted, process.ExitCode);
        Assert.Equal("handwritten: Interrupted.\n", process.StandardError.ReadToEnd());
    }

    private static void Interrupt(Process process)
    {
        using Process kill = Process.Start("kill", ["-INT", process.Id.ToString(CultureInfo.InvariantCulture)]);
        kill.WaitForExit();
    }

    private Outcome Transcribe(string recording, params string[] options) =>
        _sandbox.Handwritten(["transcribe", TestData.Path("audio", recording), .. options]);

    private static JsonElement Reference(params string[] path) =>
        JsonDocument.Parse(File.ReadAllText(TestData.Path(["reference", .. path]))).RootElement;

    private static JsonElement Run(string recording, string name) =>
        Runs.Single(run => run.GetProperty("file").GetString() == recording && run.GetProperty("name").GetString() == name);

    /// <summary>The options of a run as somebody would type them; what the run left out is off, not the command's default.</summary>
    private static string[] Arguments(JsonElement run)
    {
        Dictionary<string, string> options = new() { ["beam_size"] = "None", ["temperature_increment_on_fallback"] = "None" };
        foreach (JsonProperty option in run.GetProperty("options").EnumerateObject().Where(option => option.Name != "language" || option.Value.ValueKind != JsonValueKind.Null))
        {
            options[option.Name] = option.Value.ValueKind == JsonValueKind.Null ? "None" : option.Value.ToString();
        }

        return [.. options.SelectMany(option => new[] { $"--{option.Key}", option.Value })];
    }

    /// <summary>What openai/whisper prints of a result: [00:00.000 --> 00:02.480]  text.</summary>
    private static IEnumerable<string> Lines(JsonElement result) =>
        from segment in result.GetProperty("segments").EnumerateArray()
        select $"[{Time(segment.GetProperty("start").GetDouble())} --> {Time(segment.GetProperty("end").GetDouble())}] {segment.GetProperty("text")}";

    /// <summary>The text of a segment without length, and blanks, are printed, but are not in the result.</summary>
    private static string WithoutClearedText(string line) => Regex.Replace(line, @"^(\[(.*) --> \2\]).+", "$1").TrimEnd();

    private static string Time(double seconds) => TimeSpan.FromMilliseconds(Math.Round(seconds * 1000)).ToString(@"mm\:ss\.fff", CultureInfo.InvariantCulture);

    /// <summary>Same fields in the same order; numbers that come out of the network may differ in the last digits.</summary>
    private static void AssertSameJson(JsonElement expected, JsonElement actual)
    {
        Assert.Equal(expected.ValueKind, actual.ValueKind);
        switch (expected.ValueKind)
        {
            case JsonValueKind.Object:
                JsonProperty[] fields = [.. actual.EnumerateObject()];
                Assert.Equal(expected.EnumerateObject().Select(field => field.Name), fields.Select(field => field.Name));
                Assert.All(fields, field => AssertSameJson(expected.GetProperty(field.Name), field.Value));
                break;

            case JsonValueKind.Array:
                Assert.Equal(expected.GetArrayLength(), actual.GetArrayLength());
                Assert.All(expected.EnumerateArray().Zip(actual.EnumerateArray()), pair => AssertSameJson(pair.First, pair.Second));
                break;

            case JsonValueKind.Number:
                Assert.Equal(expected.GetDouble(), actual.GetDouble(), 1e-4);
                break;

            default:
                Assert.Equal(expected.ToString(), actual.ToString());
                break;
        }
    }
}
