using System.Text.Json;
using Handwritten.Model.Synthetic;
using Handwritten.Runtime.Decoding;
using Handwritten.Tests;
using Xunit;

namespace Handwritten.Runtime.Tests.Decoding;

/// <summary>The original's greedy decoder on made-up logits, step by step, and the softmax arithmetic under it.</summary>
public class GreedySearchTests
{
    [Fact]
    public void Chooses_the_original_s_tokens_and_sums_its_log_probabilities()
    {
        using JsonDocument reference = JsonDocument.Parse(File.ReadAllBytes(TestData.Path("reference", "decoding", "search.json")));
        int steps = 0;
        foreach (JsonElement testCase in reference.RootElement.GetProperty("greedy").EnumerateArray())
        {
            JsonElement toy = testCase.GetProperty("toy");
            int endOfText = toy.GetProperty("eot").GetInt32();
            List<List<int>> rows = [.. testCase.GetProperty("start").EnumerateArray().Select(row => row.EnumerateArray().Select(token => token.GetInt32()).ToList())];
            GreedySearch[] searches = [.. rows.Select(_ => new GreedySearch(endOfText, 64))];
            foreach (JsonElement step in testCase.GetProperty("trace").EnumerateArray())
            {
                for (int row = 0; row < rows.Count; row++)
                {
                    // The original goes on appending the end token to finished rows.
                    bool finished = rows[row][^1] == endOfText;
                    int token = finished ? endOfText : searches[row].Choose(ToyLogits(testCase.GetProperty("name").GetString()!, rows[row], toy));
                    rows[row].Add(token);
                    Assert.Equal(step.GetProperty("tokens")[row].GetInt32(), token);
                    Assert.Equal(step.GetProperty("sum_logprobs")[row].GetDouble(), searches[row].SumLogProbability, 1e-5);
                    steps++;
                }

                Assert.Equal(step.GetProperty("completed").GetBoolean(), rows.TrueForAll(row => row[^1] == endOfText));
            }
        }

        Assert.True(steps >= 40, $"only {steps} steps were checked");
    }

    [Fact]
    public void A_complete_sequence_takes_no_more_tokens()
    {
        GreedySearch search = new(endOfText: 1, capacity: 4);
        search.Choose([0, 1, 0]);
        Assert.True(search.Completed);
        Assert.Throws<InvalidOperationException>(() => search.Choose([0, 1, 0]));
    }

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

    private static float[] ToyLogits(string name, List<int> tokens, JsonElement toy)
    {
        int endOfText = toy.GetProperty("eot").GetInt32();
        string key = $"{name}.{string.Join('-', tokens)}";
        float[] logits = new float[toy.GetProperty("n_vocab").GetInt32()];
        DeterministicValues.Fill(logits, key, toy.GetProperty("scale").GetDouble());
        logits[endOfText] = DeterministicValues.Value($"{key}.eot", 0, toy.GetProperty("eot_scale").GetDouble(), toy.GetProperty("eot_offset").GetDouble());
        foreach (JsonElement forbidden in toy.GetProperty("forbidden").EnumerateArray())
        {
            logits[forbidden.GetInt32()] = float.NegativeInfinity;
        }

        return logits;
    }
}
