using System.Text;
using System.Text.Json;
using Handwritten.Runtime.Output;
using Xunit;

namespace Handwritten.Runtime.Tests.Output;

public sealed class TranscriptFilesTests : IDisposable
{
    private static readonly Transcript Sample = new(" Déjà vu.", [new Segment(0, 0, 0, 1.5, " Déjà vu.", [], 0, 0, 1, 0)], "fr");

    private readonly string _folder = Directory.CreateTempSubdirectory("handwritten-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void Names_files_as_the_original_does()
    {
        foreach (JsonElement example in TranscriptJson.Load("tokenizer", "writers.json").GetProperty("output_names").EnumerateArray())
        {
            string baseName = TranscriptFiles.BaseName(example.GetProperty("audio_path").GetString()!);
            Assert.Equal(example.GetProperty("srt_name").GetString(), baseName + ".srt");
        }
    }

    // Expected: Python's os.path.splitext.
    [Theory]
    [InlineData("..", "..")]
    [InlineData("..a.b", "..a")]
    [InlineData("...", "...")]
    [InlineData(".a.", ".a")]
    [InlineData("dir/", "")]
    public void Dots_at_the_beginning_are_no_extension(string recording, string baseName) =>
        Assert.Equal(baseName, TranscriptFiles.BaseName(recording));

    [Fact]
    public void Creates_the_folder_and_writes_every_format()
    {
        string folder = Path.Combine(_folder, "new", "deeper");
        IReadOnlyList<string> paths = Write(folder, TranscriptWriters.All);
        Assert.Equal(["talk.txt", "talk.vtt", "talk.srt", "talk.tsv", "talk.json"], paths.Select(Path.GetFileName));
        Assert.Equal(paths.Order(), Directory.GetFileSystemEntries(folder).Order());
        Assert.Equal("Déjà vu.\n"u8.ToArray(), File.ReadAllBytes(paths[0]));
        Assert.Equal(Encoding.UTF8.GetBytes("1\n00:00:00,000 --> 00:00:01,500\nDéjà vu.\n\n"), File.ReadAllBytes(paths[2]));
    }

    [Fact]
    public void Replaces_an_older_transcript()
    {
        string path = Path.Combine(_folder, "talk.txt");
        File.WriteAllText(path, "something much longer than the new transcript");
        Write(_folder, TranscriptWriters.Named("txt"));
        Assert.Equal("Déjà vu.\n", File.ReadAllText(path));
    }

    [Fact]
    public void Leaves_the_older_transcript_alone_when_writing_fails()
    {
        string path = Path.Combine(_folder, "talk.half");
        File.WriteAllText(path, "old");
        OutputException exception = Assert.Throws<OutputException>(() => Write(_folder, [new FullDisk()]));
        Assert.Equal($"The transcript '{path}' cannot be written (No space left on device); choose another output folder or name, or make this one writable.", exception.Message);
        Assert.Equal("old", File.ReadAllText(path));
        Assert.Equal([path], Directory.GetFileSystemEntries(_folder));
    }

    [Fact]
    public void Writes_no_format_when_one_of_them_cannot_be_written()
    {
        string path = Path.Combine(_folder, "talk.txt");
        File.WriteAllText(path, "old");
        Assert.Throws<OutputException>(() => Write(_folder, [.. TranscriptWriters.All, new FullDisk()]));
        Directory.CreateDirectory(Path.Combine(_folder, "talk.json"));
        Assert.Throws<OutputException>(() => Write(_folder, TranscriptWriters.All));
        Assert.Equal("old", File.ReadAllText(path));
        Assert.Equal([path], Directory.GetFiles(_folder));
    }

    [Fact]
    public void Says_so_when_a_folder_has_the_name_of_the_file()
    {
        string path = Path.Combine(_folder, "talk.txt");
        Directory.CreateDirectory(path);
        OutputException exception = Assert.Throws<OutputException>(() => Write(_folder, TranscriptWriters.Named("txt")));
        Assert.StartsWith($"The transcript '{path}' cannot be written (", exception.Message, StringComparison.Ordinal);
        Assert.Equal([path], Directory.GetFileSystemEntries(_folder));
    }

    [Fact]
    public void Says_so_when_the_folder_cannot_be_created()
    {
        string file = Path.Combine(_folder, "file");
        File.WriteAllText(file, "");
        foreach (string folder in new[] { file, Path.Combine(file, "below") })
        {
            Assert.Throws<OutputException>(() => TranscriptFiles.PrepareFolder(folder));
            OutputException exception = Assert.Throws<OutputException>(() => Write(folder, TranscriptWriters.All));
            Assert.StartsWith($"The output folder '{folder}' cannot be created (", exception.Message, StringComparison.Ordinal);
            Assert.EndsWith("); choose another one.", exception.Message, StringComparison.Ordinal);
        }

        Assert.Equal("The output folder has no name; a dot stands for the current one.", Assert.Throws<OutputException>(() => TranscriptFiles.PrepareFolder("")).Message);
    }

    [Fact]
    public void Preparing_a_folder_leaves_nothing_in_it()
    {
        string folder = Path.Combine(_folder, "new", "deeper");
        TranscriptFiles.PrepareFolder(folder);
        Assert.Empty(Directory.GetFileSystemEntries(folder));
    }

    private static IReadOnlyList<string> Write(string folder, IEnumerable<ITranscriptWriter> formats) =>
        TranscriptFiles.Write(folder, "talk", formats, Sample, new WriterOptions());

    private sealed class FullDisk : ITranscriptWriter
    {
        public string Extension => "half";

        public void Write(Transcript transcript, TextWriter output, WriterOptions options)
        {
            output.Write("half a transc");
            output.Flush();
            throw new IOException("No space left on device");
        }
    }
}
