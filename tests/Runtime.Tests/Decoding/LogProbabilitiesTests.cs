using Handwritten.Model.Synthetic;
using Handwritten.Runtime.Decoding;
using Xunit;

namespace Handwritten.Runtime.Tests.Decoding;

/// <summary>Softmax arithmetic over a vocabulary.</summary>
public class LogProbabilitiesTests
{
    [Fact]
    public void The_first_of_equal_logits_wins() => Assert.Equal(1, LogProbabilities.ArgMax([0, 3, 3, 1]));

    [Theory]
    [InlineData(1)]
    [InlineData(7)]
    [InlineData(51865)]
    public void The_log_sum_of_exponentials_is_that_of_double_precision(int length)
    {
        float[] logits = new float[length];
        DeterministicValues.Fill(logits, $"logits.{length}", scale: 30);
        double expected = Math.Log(logits.Sum(logit => Math.Exp(logit)));
        Assert.Equal(expected, LogProbabilities.LogSumExp(logits), 1e-5);
    }

    [Fact]
    public void Forbidden_tokens_add_nothing()
    {
        Assert.Equal(2f, LogProbabilities.LogSumExp([float.NegativeInfinity, 2, float.NegativeInfinity]));
        Assert.Equal(float.NegativeInfinity, LogProbabilities.LogSumExp([float.NegativeInfinity, float.NegativeInfinity]));
        Assert.Equal(float.NegativeInfinity, LogProbabilities.LogSumExp([]));
    }
}
