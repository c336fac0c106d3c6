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

    [Theory]
    [InlineData(7, 1.0)]
    [InlineData(1000, 0.2)]
    [InlineData(51865, 3.0)]
    public void Weights_are_the_probabilities_at_a_temperature(int length, double temperature)
    {
        float[] logits = new float[length], weights = new float[length];
        DeterministicValues.Fill(logits, $"logits.{length}", scale: 10);
        double sum = LogProbabilities.Weigh(logits, temperature, weights);
        double total = logits.Sum(logit => Math.Exp(logit / temperature));
        Assert.All(Enumerable.Range(0, Math.Min(length, 100)), i => Assert.Equal(Math.Exp(logits[i] / temperature) / total, weights[i] / sum, 1e-6));
    }

    [Fact]
    public void Forbidden_tokens_add_nothing()
    {
        Assert.Equal(2f, LogProbabilities.LogSumExp([float.NegativeInfinity, 2, float.NegativeInfinity]));
        Assert.Equal(float.NegativeInfinity, LogProbabilities.LogSumExp([float.NegativeInfinity, float.NegativeInfinity]));
        Assert.Equal(float.NegativeInfinity, LogProbabilities.LogSumExp([]));
        float[] weights = new float[3];
        Assert.Equal(1, LogProbabilities.Weigh([float.NegativeInfinity, 2, float.NegativeInfinity], 1e-300, weights));
        Assert.Equal([0, 1, 0], weights);
    }
}
