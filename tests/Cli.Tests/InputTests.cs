using Handwritten.Tests;
using Xunit;

namespace Handwritten.Cli.Tests;

/// <summary>Where recordings come from, what their files are called, and what is remembered of them.</summary>
public sealed class InputTests : IDisposable
{
    private const string Heard = "[00:00.000 --> 00:02.200]  Please play rock music in the garage.\n";

    private static readonly byte[] Recording = File.ReadAllBytes(TestData.Path("audio", "01-en.wav"));

    private readonly Sandbox _sandbox = new();

    public void Dispose() => _sandbox.Dispose();

    [Theory]
    [InlineData("a.wav b/c.wav", "a.txt c.txt")]
    [InlineData("*.wav", "a.txt")]
    [InlineData("*.wav a.wav", "a.txt")]
    [InlineData("**/*.wav", "a.txt c.txt e.txt")]
    [InlineData("b --recursive", "c.txt e.txt")]
    [InlineData(". --recursive --output-name {folder}-{number}-{name}", "b-002-c.txt d-003-e.txt")]
    public void Patterns_and_folders_stand_for_recordings(string inputs, string files)
    {
        foreach (string path in new[] { "a.wav", "b/c.wav", "b/d/e.wav" })
        {
            _sandbox.Write(path, "");
            File.WriteAllBytes(_sandbox[path], Recording);
        }

        Outcome outcome = Handwritten(["transcribe", "--quiet", "-o", "out", "-f", "txt", .. inputs.Split(' ')]);
        string[] written = [.. Directory.GetFiles(_sandbox["out"]).Select(file => Path.GetFileName(file)!).Order(StringComparer.Ordinal)];
        Assert.Equal((0, ""), (outcome.ExitCode, outcome.Error));
        Assert.Equal(files.Split(' '), written.Where(file => !file.Contains("-001-", StringComparison.Ordinal)));
        Assert.Equal(string.Concat(Enumerable.Repeat(Heard, written.Length)), outcome.Output);
    }

    [Fact]
    public void What_stands_for_nothing_is_told()
    {
        _sandbox.Write("empty/notes.txt", "");
        Handwritten("transcribe", "*.wav").Is(ExitCode.UnreadableAudio, "No file matches '*.wav'");
        Handwritten("vad", "empty").Is(ExitCode.UnreadableAudio, "'empty' is a folder: give the name of a recording in it, or --recursive for all of them.");
        Handwritten("detect-language", "empty", "--recursive").Is(ExitCode.UnreadableAudio, "'empty' is a folder without recordings");
    }

    [Fact]
    public void Recordings_are_read_from_addresses()
    {
        using SmallServer server = new(request => request.Headers.TryGetValue("X-Key", out string? key) && key == "a: b" ? new WebAnswer(200, Recording) : new WebAnswer(403, []));
        string address = $"{server.Address}/talks/my%20talk.wav?signature=1";
        Outcome outcome = Handwritten("transcribe", address, "--header", "X-Key: a: b", "--quiet", "-o", ".", "-f", "html", "-f", "txt");
        Assert.Equal(new Outcome(0, Heard, ""), outcome);
        Assert.Equal(["my talk.html", "my talk.txt"], Directory.GetFiles(_sandbox.Folder).Select(Path.GetFileName).Order());
        Assert.Contains(address, File.ReadAllText(_sandbox["my talk.html"]).Replace("&amp;", "&", StringComparison.Ordinal), StringComparison.Ordinal);

        Handwritten("vad", address).Is(ExitCode.UnreadableAudio, $"'{server.Address}/talks/my%20talk.wav' cannot be downloaded: the server answers 403");
        Handwritten("detect-language", address, "--header", "X-Key: a: b", "--max-download", "50KB").Is(ExitCode.UnreadableAudio, "is larger than 0.05 MB");
        Assert.Contains("s of speech in", Handwritten("vad", address, "--header", "X-Key: a: b", "--max_download", "1.5MB", "--download-timeout", "60").Output, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("transcribe a.wav --header Key", "--header must be a name, a colon and a value, but it is 'Key'.")]
    [InlineData("transcribe a.wav --max-download much", "--max-download must be a size up to 2GB such as 20MB, but it is 'much'.")]
    [InlineData("transcribe a.wav --max-download 3GB", "--max-download must be a size up to 2GB such as 20MB, but it is '3GB'.")]
    [InlineData("vad a.wav --download-timeout 0", "--download-timeout must be a number from 0.001 to 86400 or None, but it is '0'.")]
    [InlineData("transcribe a.wav -o x --output-name a/{name}", "--output-name is a file's name without a folder")]
    [InlineData("transcribe a.wav -o x --output-name {nam}", "--output-name knows no {nam}. Did you mean 'name'? The fields are {name}, {folder}, {number}, {model}, {language}, {date}, {time}.")]
    [InlineData("transcribe a.wav b.wav -o x --output-name {date}", "would both be written to '")]
    public void A_wrong_command_line_is_answered_with_a_sentence(string commandLine, string sentence) =>
        Handwritten(commandLine.Split(' ')).Is(ExitCode.WrongUsage, sentence);

    [Fact]
    public void Files_are_called_as_the_template_says()
    {
        Outcome outcome = Handwritten("transcribe", TestData.Path("audio", "01-en.wav"), "--quiet", "-o", ".", "-f", "srt", "--output_name", "{name} ({model}, {language}) {date}");
        Assert.Equal(0, outcome.ExitCode);
        Assert.Matches(@"^01-en \(whisper-nano, en\) \d{4}-\d\d-\d\d\.srt$", Assert.Single(Directory.GetFiles(_sandbox.Folder).Select(file => Path.GetFileName(file)!)));
    }

    [Fact]
    public void The_same_question_is_answered_from_the_cache()
    {
        string model = _sandbox.CopyModel();
        File.WriteAllBytes(_sandbox["a.wav"], Recording);
        string[] ask = ["transcribe", "--model", "model", "--cache", "cache", "-f", "json"];
        Outcome first = Handwritten([.. ask, "a.wav"]);
        Assert.Equal((0, Heard), (first.ExitCode, first.Output));
        Assert.Contains("real-time factor", first.Error, StringComparison.Ordinal);
        Assert.Single(Directory.GetFileSystemEntries(_sandbox["cache"]));
        string json = File.ReadAllText(_sandbox["a.json"]);

        // Another name, another place of the files, and the same sound.
        File.Move(_sandbox["a.wav"], _sandbox["b.wav"]);
        Assert.Equal(new Outcome(0, Heard, "'b.wav': taken from the cache.\nwrote out/b.json\n"), Handwritten([.. ask, "b.wav", "-o", "out"]));
        Assert.Equal(json, File.ReadAllText(_sandbox["out", "b.json"]));

        // Another option, another sound, another model.
        Assert.Contains("real-time factor", Handwritten([.. ask, "b.wav", "--temperature", "0.5"]).Error, StringComparison.Ordinal);
        Assert.Contains("real-time factor", Handwritten([.. ask, TestData.Path("audio", "02-en.wav")]).Error, StringComparison.Ordinal);
        File.AppendAllText(Path.Combine(model, "merges.txt"), "\n");
        Assert.Contains("real-time factor", Handwritten([.. ask, "b.wav"]).Error, StringComparison.Ordinal);
        Assert.Equal(4, Directory.GetFiles(_sandbox["cache"]).Length);
    }

    [Fact]
    public void A_cache_that_takes_no_files_is_told()
    {
        _sandbox.Write("file", "");
        Handwritten("transcribe", TestData.Path("audio", "01-en.wav"), "--cache", "file").Is(ExitCode.UnwritableOutput, "'file' cannot be created");
    }

    private Outcome Handwritten(params string[] arguments)
    {
        Outcome outcome = _sandbox.Handwritten(arguments);
        return new Outcome(outcome.ExitCode, outcome.Output.ReplaceLineEndings("\n"), outcome.Error.ReplaceLineEndings("\n"));
    }
}
