using Handwritten.Runtime.Decoding;
using Xunit;

namespace Handwritten.Runtime.Tests.Decoding;

/// <summary>Rules against repetition, which openai/whisper has none of.</summary>
public class RepetitionRulesTests
{
    [Fact]
    public void What_was_said_becomes_less_probable_once_however_often_it_was_said()
    {
        float[] logits = [3, -3, 3, -3, 0];
        new RepetitionPenalty(1.5f).Apply(logits, [0, 1, 0, 0, 4]);
        Assert.Equal([2, -4.5f, 3, -3, 0], logits);
    }

    [Theory]
    [InlineData(1, "0 1 2", "0 1 2")]
    [InlineData(2, "0 1 2 0", "1")]
    [InlineData(2, "0 1 0 2 0", "1 2")]
    [InlineData(3, "0 1 2 3 0 1", "2")]
    [InlineData(3, "0 1 2 3 1 0", "")]
    [InlineData(3, "0 1", "")]
    [InlineData(4, "3 3 3 3", "3")]
    [InlineData(2, "", "")]
    public void A_token_that_would_complete_a_repeated_sequence_is_forbidden(int size, string sampled, string forbidden)
    {
        float[] logits = new float[4];
        new NoRepeatNgram(size).Apply(logits, Numbers(sampled));
        Assert.Equal(Numbers(forbidden), Enumerable.Range(0, 4).Where(token => float.IsNegativeInfinity(logits[token])));
    }

    private static int[] Numbers(string text) => [.. text.Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(int.Parse)];
}
