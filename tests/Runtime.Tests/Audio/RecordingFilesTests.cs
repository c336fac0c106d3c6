using Handwritten.Runtime.Audio;
using Xunit;

namespace Handwritten.Runtime.Tests.Audio;

/// <summary>Patterns and folders, and the recordings they stand for.</summary>
public sealed class RecordingFilesTests : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("handwritten-files-");

    public RecordingFilesTests()
    {
        foreach (string file in new[] { "a.wav", "b.MP3", "c1.wav", "c2.wav", "notes.txt", ".hidden.wav", "x/d.flac", "x/y/e.wav", "x/y/z/f.mkv", ".git/g.wav" })
        {
            string path = Path.Combine(_folder.FullName, file);
            Directory.CreateDirectory(Path.GetDirectoryName(path)!);
            File.WriteAllText(path, "");
        }
    }

    public void Dispose() => _folder.Delete(recursive: true);

    [Theory]
    [InlineData("*.wav", "a.wav c1.wav c2.wav")]
    [InlineData("c?.wav", "c1.wav c2.wav")]
    [InlineData("c[1-2].wav", "c1.wav c2.wav")]
    [InlineData("[ab].*", "a.wav b.MP3")]
    [InlineData("c[!1].wav", "c2.wav")]
    [InlineData("c[^2-9].wav", "c1.wav")]
    [InlineData("c[2-1].wav", "")]
    [InlineData("c[]1].wav", "c1.wav")]
    [InlineData("c[12.wav", "")]
    [InlineData("[x]/[!e].flac", "x/d.flac")]
    [InlineData("*o*.t*t", "notes.txt")]
    [InlineData("?", "")]
    [InlineData("*", "a.wav b.MP3 c1.wav c2.wav notes.txt")]
    [InlineData(".*.wav", ".hidden.wav")]
    [InlineData("*/*.flac", "x/d.flac")]
    [InlineData("x/*/e.wav", "x/y/e.wav")]
    [InlineData("**/*.wav", "a.wav c1.wav c2.wav x/y/e.wav")]
    [InlineData("x/**", "x/d.flac x/y/e.wav x/y/z/f.mkv")]
    [InlineData("**/y/**/*", "x/y/e.wav x/y/z/f.mkv")]
    [InlineData("no/*.wav", "")]
    [InlineData("*.ogg", "")]
    public void A_pattern_stands_for_files(string pattern, string files) => Assert.Equal(
        files.Split(' ', StringSplitOptions.RemoveEmptyEntries),
        RecordingFiles.Matching(Path.Combine(_folder.FullName, pattern)).Select(file => Path.GetRelativePath(_folder.FullName, file).Replace('\\', '/')));

    [Fact]
    public void What_matches_nothing_stands_for_itself()
    {
        string none = Path.Combine(_folder.FullName, "[talk] 1.wav"), some = Path.Combine(_folder.FullName, "[a]?wav");
        Assert.Equal([none], RecordingFiles.Named(none));
        Assert.Equal([Path.Combine(_folder.FullName, "a.wav")], RecordingFiles.Named(some));
        File.WriteAllText(none, "");
        Assert.False(RecordingFiles.IsPattern(none));
    }

    [Fact]
    public void A_folder_stands_for_the_recordings_below_it() => Assert.Equal(
        ["a.wav", "b.MP3", "c1.wav", "c2.wav", "x/d.flac", "x/y/e.wav", "x/y/z/f.mkv"],
        RecordingFiles.Below(_folder.FullName).Select(file => Path.GetRelativePath(_folder.FullName, file).Replace('\\', '/')));

    [Fact]
    public void Links_in_a_circle_are_not_followed()
    {
        Directory.CreateSymbolicLink(Path.Combine(_folder.FullName, "x", "up"), _folder.FullName);
        A_folder_stands_for_the_recordings_below_it();
        A_pattern_stands_for_files("**/*.wav", "a.wav c1.wav c2.wav x/y/e.wav");
    }

    [Fact]
    public void A_file_whose_name_has_a_star_is_no_pattern()
    {
        string file = Path.Combine(_folder.FullName, "what?*.wav");
        Assert.True(RecordingFiles.IsPattern(file));
        if (!OperatingSystem.IsWindows())
        {
            File.WriteAllText(file, "");
            Assert.False(RecordingFiles.IsPattern(file));
        }
    }
}
