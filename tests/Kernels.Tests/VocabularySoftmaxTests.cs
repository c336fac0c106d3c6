using Xunit;

namespace Handwritten.Kernels.Tests;

/// <summary>Softmax arithmetic over a vocabulary.</summary>
public class VocabularySoftmaxTests
{
    [Fact]
    public void The_first_of_equal_logits_wins() => Assert.Equal(1, VocabularySoftmax.ArgMax([0, 3, 3, 1]));

    [Theory]
    [InlineData(1)]
    [InlineData(7)]
    [InlineData(51865)]
    public void The_log_sum_of_exponentials_is_that_of_double_precision(int length)
    {
        float[] logits = Array.ConvertAll(Make.Values(length, length), value => 30 * value);
        double expected = Math.Log(logits.Sum(logit => Math.Exp(logit)));
        Assert.Equal(expected, VocabularySoftmax.LogSumExp(logits), 1e-5);
    }

    [Fact]
    public void Forbidden_tokens_add_nothing()
    {
        Assert.Equal(2f, VocabularySoftmax.LogSumExp([float.NegativeInfinity, 2, float.NegativeInfinity]));
        Assert.Equal(float.NegativeInfinity, VocabularySoftmax.LogSumExp([float.NegativeInfinity, float.NegativeInfinity]));
        Assert.Equal(float.NegativeInfinity, VocabularySoftmax.LogSumExp([]));
    }
}
