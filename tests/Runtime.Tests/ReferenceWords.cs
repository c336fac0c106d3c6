using System.Text.Json;
using Xunit;

namespace Handwritten.Runtime.Tests;

/// <summary>Compares words with those of a reference's segment.</summary>
internal static class ReferenceWords
{
    /// <summary>Same words, times and probabilities; returns how many were compared.</summary>
    public static int AssertEqual(JsonElement segment, IReadOnlyList<Word>? words, double timeTolerance, double probabilityTolerance)
    {
        if (!segment.TryGetProperty("words", out JsonElement expected))
        {
            Assert.True(words is null || words.Count == 0, "there are words that nobody asked for");
            return 0;
        }

        Assert.NotNull(words);
        Assert.Equal(expected.EnumerateArray().Select(word => word.GetProperty("word").GetString()), words.Select(word => word.Text));
        foreach ((JsonElement wanted, Word word) in expected.EnumerateArray().Zip(words))
        {
            Assert.Equal(wanted.GetProperty("start").GetDouble(), word.Start, timeTolerance);
            Assert.Equal(wanted.GetProperty("end").GetDouble(), word.End, timeTolerance);
            Assert.Equal(wanted.GetProperty("probability").GetDouble(), word.Probability, probabilityTolerance);
        }

        return words.Count;
    }
}
