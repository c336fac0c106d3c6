using Handwritten.Runtime.Evaluation;
using Handwritten.Runtime.Output;
using Xunit;

namespace Handwritten.Runtime.Tests.Evaluation;

public sealed class ReferenceTextsTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("handwritten-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [InlineData("a.tsv", "a.wav\tHello, world.\r\nb\tBye.\n\n", null)]
    [InlineData("a.json", """[{"file": "a.wav", "text": "Hello, world.", "language": "en"}, {"path": "x/b.mp3", "sentence": "Bye."}]""", "en")]
    [InlineData("a.json", """{"rate": 16000, "clips": [{"audio": "clips/a.flac", "transcript": "Hello, world."}, {"audio": "b", "text": "Bye."}]}""", null)]
    [InlineData("a.jsonl", "{\"audio_filepath\": \"/data/a.wav\", \"text\": \"Hello, world.\"}\n{\"audio_filepath\": \"b.wav\", \"text\": \"Bye.\"}", null)]
    public void Reads_tables_and_manifests(string name, string content, string? language)
    {
        ReferenceTexts references = ReferenceTexts.Open(Write(name, content));
        Assert.Equal(new ReferenceText("Hello, world.", language), references.Find("talks/a.json"));
        Assert.Equal("Bye.", references.Find("b.srt").Text);
        Assert.Contains("has no text for 'c'", Refusal(() => references.Find("c.json")), StringComparison.Ordinal);
    }

    [Fact]
    public void Reads_a_folder_of_texts()
    {
        Write("a.txt", "\uFEFFHello.");
        ReferenceTexts references = ReferenceTexts.Open(_folder);
        Assert.Equal(new ReferenceText("Hello.", null), references.Find("talks/a.wav"));
        Assert.Contains("b.txt' does not exist", Refusal(() => references.Find("b.wav")), StringComparison.Ordinal);
        Assert.Contains("compared with itself", Refusal(() => references.Find(Path.Combine(_folder, "a.txt"))), StringComparison.Ordinal);
    }

    [Fact]
    public void The_whole_file_name_comes_first()
    {
        ReferenceTexts references = ReferenceTexts.Open(Write("a.tsv", "a.wav\tone\na.mp3\ttwo\nb.wav\tthree\nb.mp3\tthree"));
        Assert.Equal(["one", "two", "three"], new[] { "a.wav", "a.mp3", "b.json" }.Select(file => references.Find(file).Text));
        Assert.Contains("has several texts for 'a'", Refusal(() => references.Find("a.json")), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("a.tsv", "no tab", "has no tab")]
    [InlineData("a.json", "{", "holds no references")]
    [InlineData("a.json", "3", "has no list of recordings")]
    [InlineData("a.json", "[3]", "an entry has no file, audio, audio_filepath, path")]
    [InlineData("a.json", """[{"file": "a"}]""", "an entry has no text, sentence, transcript")]
    [InlineData("a.json", """[{"file": "\ud800", "text": ""}]""", "holds no references")]
    [InlineData("a.jsonl", "[1]\n", "an entry has no")]
    [InlineData("a.md", "x", "holds no references by its name")]
    public void Refuses_what_holds_no_references(string name, string content, string reason)
    {
        string path = Write(name, content), message = Refusal(() => ReferenceTexts.Open(path));
        Assert.StartsWith($"'{path}' ", message, StringComparison.Ordinal);
        Assert.Contains(reason, message, StringComparison.Ordinal);
    }

    [Fact]
    public void Refuses_what_is_not_there() => Assert.Equal("'nowhere' does not exist: check the name and the folder.", Refusal(() => ReferenceTexts.Open("nowhere")));

    private static string Refusal(Func<object> act)
    {
        string message = Assert.Throws<TranscriptException>(act).Message;
        Assert.EndsWith(".", message, StringComparison.Ordinal);
        return message;
    }

    private string Write(string name, string content)
    {
        string path = Path.Combine(_folder, name);
        File.WriteAllText(path, content);
        return path;
    }
}
