using Handwritten.Runtime.Decoding;
using Xunit;

namespace Handwritten.Runtime.Tests.Decoding;

/// <summary>What is drawn: as often as its probability says, and the same with the same seed.</summary>
public class SamplingSearchTests
{
    private const int Vocabulary = 5, EndOfText = 4;

    [Theory]
    [InlineData(0.5)]
    [InlineData(1.0)]
    [InlineData(2.0)]
    public void Tokens_come_as_often_as_their_probability_says(double temperature)
    {
        float[] logits = [1, 0, 2, float.NegativeInfinity, float.NegativeInfinity];
        const int draws = 20_000;
        SamplingSearch search = new(temperature, draws, seed: 3, EndOfText, capacity: 2);
        search.Choose((float[])logits.Clone(), Vocabulary);
        double total = logits.Sum(logit => Math.Exp(logit / temperature));
        for (int token = 0; token < Vocabulary; token++)
        {
            double share = Enumerable.Range(0, draws).Count(lane => search.Tokens(lane)[0] == token) / (double)draws;
            Assert.Equal(Math.Exp(logits[token] / temperature) / total, share, 0.015); // four standard deviations
        }
    }

    [Fact]
    public void Scores_are_those_of_temperature_one()
    {
        float[] logits = [1, 0, 2, -1, float.NegativeInfinity];
        SamplingSearch search = new(temperature: 5, lanes: 4, seed: 1, EndOfText, capacity: 2);
        search.Choose((float[])logits.Clone(), Vocabulary);
        double normaliser = Math.Log(logits.Sum(logit => Math.Exp(logit)));
        Assert.All(search.Candidates(), text => Assert.Equal(logits[text.Tokens[0]] - normaliser, text.SumLogProbability, 1e-6));
    }

    [Fact]
    public void The_same_seed_draws_the_same_and_other_lanes_change_nothing()
    {
        Assert.Equal(Texts(lanes: 5, seed: 9), Texts(lanes: 5, seed: 9));
        Assert.Equal(Texts(lanes: 5, seed: 9)[..2], Texts(lanes: 2, seed: 9));
        Assert.NotEqual(Texts(lanes: 5, seed: 9), Texts(lanes: 5, seed: 10));
        Assert.NotEqual(Texts(lanes: 2, seed: 9)[0], Texts(lanes: 2, seed: 9)[1]);
    }

    [Fact]
    public void A_lane_that_has_ended_asks_for_no_more_logits()
    {
        // Lane by lane the end comes sooner or later; the logits of the open ones follow each other.
        SamplingSearch search = new(1, lanes: 8, seed: 4, EndOfText, capacity: 100);
        int former = 8;
        search.Choose(new float[Vocabulary], Vocabulary);
        while (!search.Completed)
        {
            Assert.InRange(search.OpenLanes.Length, 1, former);
            former = search.OpenLanes.Length;
            search.Choose(new float[former * Vocabulary], Vocabulary);
        }

        Assert.Equal(8, search.Candidates().Count);
        Assert.All(search.Candidates(), text => Assert.Equal(-Math.Log(Vocabulary) * (text.Tokens.Count + 1), text.SumLogProbability, 1e-5));
    }

    private static string[] Texts(int lanes, ulong seed)
    {
        SamplingSearch search = new(1, lanes, seed, EndOfText, capacity: 40);
        for (int step = 0; step < 30 && !search.Completed; step++)
        {
            float[] row = [0.5f, 0, 1, 0, -2];
            search.Choose([.. Enumerable.Repeat(row, search.OpenLanes.Length).SelectMany(logits => logits)], Vocabulary);
        }

        return [.. search.Candidates().Select(text => string.Join(' ', text.Tokens))];
    }
}
