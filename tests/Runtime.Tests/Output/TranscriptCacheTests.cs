using Handwritten.Runtime.Output;
using Xunit;

namespace Handwritten.Runtime.Tests.Output;

/// <summary>Transcripts that are kept, and found again by what they were made from.</summary>
public sealed class TranscriptCacheTests : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("handwritten-results-");

    private static Transcript Made { get; } = new(" Grüße, 東京 \"x\"", [new Segment(0, 0, 0, 1.5, " Grüße", [50364, 1], 0.2, double.NaN, 1.25, 0.1, [new Word(" Grüße", 0, 1.5, 0.75)], "de"), new Segment(1, 0, 1.5, 3, " x", [], 0, -1e-9, 0, 0)], "de");

    public void Dispose() => _folder.Delete(recursive: true);

    [Fact]
    public void What_was_kept_is_found_whole()
    {
        TranscriptCache cache = new(Path.Combine(_folder.FullName, "new", "folder"));
        string key = TranscriptCache.Key([0.5f], "model", "options");
        Assert.Null(cache.Find(key));
        cache.Keep(key, Made);
        Transcript found = cache.Find(key)!;
        Assert.Equivalent(Made, found, strict: true);
        Assert.Equal([$"{key}.json"], Directory.GetFileSystemEntries(Path.Combine(_folder.FullName, "new", "folder")).Select(Path.GetFileName));
    }

    [Fact]
    public void Another_sound_model_or_option_is_another_question()
    {
        string[] keys =
        [
            TranscriptCache.Key([0.5f, 0], "model", "options"), TranscriptCache.Key([0.5f], "model", "options"), TranscriptCache.Key([0.5f], "model", "option"),
            TranscriptCache.Key([0.5f], "mode", "loptions"), TranscriptCache.Key([], "model", "options"),
        ];
        Assert.Equal(keys.Length, keys.Distinct().Count());
        Assert.Equal(keys[0], TranscriptCache.Key([0.5f, 0], "model", "options"));
        Assert.Matches("^[0-9a-f]{64}$", keys[0]);
    }

    [Theory]
    [InlineData("")]
    [InlineData("{")]
    [InlineData("null")]
    [InlineData("{\"Text\": \"a\"}")]
    [InlineData("{\"Text\": \"a\", \"Segments\": [null], \"Language\": \"en\"}")]
    [InlineData("{\"Text\": \"a\", \"Segments\": [{\"Id\": 0}], \"Language\": \"en\"}")]
    [InlineData("{\"Text\": \"a\", \"Segments\": [{\"Id\":0,\"Seek\":0,\"Start\":0,\"End\":0,\"Text\":null,\"Tokens\":[],\"Temperature\":0,\"AverageLogProbability\":0,\"CompressionRatio\":0,\"NoSpeechProbability\":0}], \"Language\": \"en\"}")]
    [InlineData("{\"Text\": \"a\", \"Segments\": [{\"Id\":0,\"Seek\":0,\"Start\":0,\"End\":0,\"Text\":\"\",\"Tokens\":[],\"Temperature\":0,\"AverageLogProbability\":0,\"CompressionRatio\":0,\"NoSpeechProbability\":0,\"Words\":[null]}], \"Language\": \"en\"}")]
    public void A_damaged_file_is_no_answer(string content)
    {
        TranscriptCache cache = new(_folder.FullName);
        File.WriteAllText(Path.Combine(_folder.FullName, "key.json"), content);
        Assert.Null(cache.Find("key"));
        cache.Keep("key", Made);
        Assert.Equal(Made.Text, cache.Find("key")!.Text);
    }

    [Fact]
    public void A_folder_that_cannot_be_one_is_refused()
    {
        File.WriteAllText(Path.Combine(_folder.FullName, "file"), "");
        Assert.Throws<OutputException>(() => new TranscriptCache(Path.Combine(_folder.FullName, "file")));
    }
}
