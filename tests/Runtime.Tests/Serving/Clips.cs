using System.Collections.Concurrent;
using System.Text.Json;
using Handwritten.Runtime.Audio;
using Handwritten.Runtime.Serving;
using Handwritten.Tests;
using Xunit;

namespace Handwritten.Runtime.Tests.Serving;

/// <summary>The demo model's clips, and how their transcripts are compared.</summary>
internal static class Clips
{
    private static readonly ConcurrentDictionary<string, float[]> Loaded = [];

    public static float[] Samples(string clip) => Loaded.GetOrAdd(clip, static name => AudioFile.Load(TestData.Path("audio", name)).Samples);

    /// <summary>A recording that holds its place until it is given up: longer than any test.</summary>
    public static float[] Minutes() => [.. Enumerable.Repeat(Samples("long-en.wav"), 20).SelectMany(part => part)];

    /// <summary>What is said in a clip.</summary>
    public static string Text(string clip)
    {
        using JsonDocument manifest = JsonDocument.Parse(File.ReadAllText(TestData.Path("audio", "manifest.json")));
        return manifest.RootElement.GetProperty("clips").EnumerateArray().Single(one => one.GetProperty("file").GetString() == clip).GetProperty("text").GetString()!;
    }

    /// <summary>Waits until the engine has taken back what requests held: transcripts are there a moment before.</summary>
    public static async Task<EngineStatistics> Idle(this TranscriptionEngine engine)
    {
        EngineStatistics statistics = engine.Statistics;
        while (statistics.Active + statistics.Waiting.Sum() + statistics.LanesInUse + statistics.WindowsInUse > 0)
        {
            await Task.Delay(5);
            statistics = engine.Statistics;
        }

        return statistics;
    }

    /// <summary>Same tokens, and the same probabilities to the last bit.</summary>
    public static void AssertSame(Transcript expected, Transcript actual)
    {
        Assert.Equal(expected.Text, actual.Text);
        Assert.Equal(expected.Language, actual.Language);
        AssertSame(expected.Segments, actual.Segments);
    }

    public static void AssertSame(IReadOnlyList<Segment> expected, IReadOnlyList<Segment> actual)
    {
        Assert.Equal(expected.Count, actual.Count);
        foreach ((Segment one, Segment other) in expected.Zip(actual))
        {
            Assert.Equal(one.Tokens, other.Tokens);
            Assert.Equal(one.Words, other.Words);
            Assert.Equal((one.Id, one.Seek, one.Start, one.End, one.Text, one.Language), (other.Id, other.Seek, other.Start, other.End, other.Text, other.Language));
            Assert.Equal(
                (one.Temperature, one.AverageLogProbability, one.CompressionRatio, one.NoSpeechProbability),
                (other.Temperature, other.AverageLogProbability, other.CompressionRatio, other.NoSpeechProbability));
        }
    }
}
