using Handwritten.Tests;
using Xunit;

namespace Handwritten.Cli.Tests;

/// <summary>What the files of recordings are called that have the same name.</summary>
public sealed class DistinctNameTests : IDisposable
{
    private readonly Sandbox _sandbox = new();

    public void Dispose() => _sandbox.Dispose();

    [Theory]
    [InlineData("a.wav b.wav", "a b")]
    [InlineData("audio.flac audio.mp3 audio.wav", "audio.flac audio.mp3 audio")]
    [InlineData("a/talk.mp3 b/talk.mp3 c/talk.mp3", "talk-001 talk-002 talk")]
    [InlineData("x/talk.mp3 y/talk.mp3 z/talk.wav other.wav", "talk-001 talk-002 talk other")]
    [InlineData("x/talk.mp3 talk.wav talk.mp3.wav", "talk.mp3-001 talk talk.mp3")] // another one has the whole name
    [InlineData("x/talk.mp3 y/talk.mp3 talk-001.wav", "talk-001-001 talk talk-001")]
    [InlineData("stdin.wav -", "stdin.wav stdin")]
    [InlineData("https://example.org/a/talk.mp3?x=1 talk.wav", "talk.mp3 talk")]
    public void The_last_of_a_name_has_it_and_the_others_have_theirs(string recordings, string names)
    {
        string[] actual = DistinctNames.Of(recordings.Split(' '));
        Assert.Equal(names.Split(' '), actual);
        Assert.Equal(actual.Distinct(), actual);
    }

    [Fact]
    public void The_first_example_of_the_original_keeps_every_transcript()
    {
        foreach (string format in new[] { "flac", "mp3" })
        {
            File.Copy(TestData.Path("audio", $"formats.{format}"), _sandbox[$"audio.{format}"]);
        }

        File.Copy(TestData.Path("audio", "01-en.wav"), _sandbox["audio.wav"]);
        Outcome outcome = _sandbox.Handwritten("transcribe", "audio.flac", "audio.mp3", "audio.wav", "--model", "nano");
        Assert.Equal(0, outcome.ExitCode);
        Assert.Equal("Of several recordings with the same name, only the last is written to audio.txt: 'audio.flac' to audio.flac.txt, 'audio.mp3' to audio.mp3.txt.", outcome.ErrorLines[0]);
        Assert.Equal("wrote audio.txt, .vtt, .srt, .tsv and .json", outcome.ErrorLines[^1]);
        Assert.Equal("Please play rock music in the garage.\n", File.ReadAllText(_sandbox["audio.txt"]));
        Assert.Equal("Add bananas to the shopping list.\n", File.ReadAllText(_sandbox["audio.flac.txt"]));
        Assert.Equal("Add bananas to the shopping list.\n", File.ReadAllText(_sandbox["audio.mp3.txt"]));
        Assert.Equal(3 + (3 * 5), Directory.GetFiles(_sandbox.Folder).Length);
    }

    [Fact]
    public void Many_of_a_name_are_told_in_one_sentence()
    {
        string[] recordings = [.. Enumerable.Range(0, 6).Select(i => $"{i}/talk.wav")];
        Outcome outcome = _sandbox.Handwritten(["transcribe", "-f", "srt", .. recordings]);
        Assert.Equal((int)ExitCode.UnreadableAudio, outcome.ExitCode);
        Assert.Equal(
            "Of several recordings with the same name, only the last is written to talk.srt: '0/talk.wav' to talk-001.srt, '1/talk.wav' to talk-002.srt, '2/talk.wav' to talk-003.srt, 2 more likewise.",
            outcome.ErrorLines[0]);
        Assert.Equal("", _sandbox.Handwritten(["transcribe", "-f", "none", "--quiet", .. recordings]).Output);
    }
}
