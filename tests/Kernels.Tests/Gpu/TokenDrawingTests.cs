using Xunit;
using static Handwritten.Kernels.Tests.Gpu.ChoiceCases;

namespace Handwritten.Kernels.Tests.Gpu;

/// <summary>Tokens above temperature 0 are drawn: as often as they should be, and the same ones whatever the company.</summary>
[Collection(nameof(GpuTests))]
public sealed class TokenDrawingTests(GpuFixture gpu)
{
    [Theory]
    [MemberData(nameof(BackEnds), MemberType = typeof(ChoiceCases))]
    public void Lanes_that_start_together_go_on_from_the_same_position(string backEnd)
    {
        using Choosing run = new(gpu.OpenBackEnd(backEnd), 3);
        run.StartTogether(Plain with { Temperature = 1, Seed = 4 }, 3, position: Choosing.Length - 2);
        float[] logits = new float[Vocabulary];
        run.Choose(logits);
        int[] first = [.. Enumerable.Range(0, 3).Select(lane => run.Choice.Tokens(lane)[0])];
        Assert.Equal(3, first.Distinct().Count());
        Assert.All(Enumerable.Range(0, 3), lane => Assert.Equal(ChoiceStatus.Open, run.Choice.Status(lane)));
        Assert.All(Enumerable.Range(0, 3), lane => Assert.Equal(1.0 / Vocabulary, run.Choice.NoSpeechProbability(lane), 1e-8));
        run.FollowAll(3);
        run.Choose([.. logits, .. logits, .. logits]);
        Assert.All(Enumerable.Range(0, 3), lane => Assert.Equal(ChoiceStatus.Full, run.Choice.Status(lane)));
        Assert.Equal(first, Enumerable.Range(0, 3).Select(lane => run.Choice.Tokens(lane)[0]));
    }

    [Theory]
    [InlineData("cpu", 3000)]
    [InlineData("h200", 600)]
    public void Tokens_are_drawn_as_often_as_their_probabilities_say(string backEnd, int draws)
    {
        // Lanes that start together draw from one row; the rows of a lane differ by the place in the text.
        const int lanes = 60, vocabulary = 40;
        float[] row = [.. Enumerable.Range(0, vocabulary).Select(token => token < 8 ? 0.5f * token : float.NegativeInfinity)];
        ChoiceRules rules = new() { EndOfText = 39, NoSpeech = 38, MaxTokens = 20, Temperature = 1.7, Seed = 123 };
        double[] weights = [.. row.Take(8).Select(logit => Math.Exp(logit / rules.Temperature))];
        int[] counts = new int[8];
        using Choosing run = new(gpu.OpenBackEnd(backEnd), lanes, vocabulary);
        int steps = draws / lanes;
        for (int begun = 0; begun < steps; begun += 10)
        {
            run.StartTogether(rules with { Seed = (ulong)begun }, lanes);
            run.Choose(row);
            run.FollowAll(lanes);
            for (int step = 1; step < 10; step++)
            {
                run.Choose([.. Enumerable.Repeat(row, lanes).SelectMany(values => values)]);
            }

            foreach (int token in Enumerable.Range(0, lanes).SelectMany(lane => run.Choice.Tokens(lane).ToArray()))
            {
                counts[token]++;
            }
        }

        double chiSquare = weights.Select((weight, token) =>
        {
            double expected = counts.Sum() * weight / weights.Sum();
            return (counts[token] - expected) * (counts[token] - expected) / expected;
        }).Sum();
        Assert.Equal(draws, counts.Sum());
        Assert.InRange(chiSquare, 0.5, 24.3); // seven degrees of freedom: 0.1 % lie above 24.3, 0.06 % below 0.5
    }

    [Theory]
    [MemberData(nameof(BackEnds), MemberType = typeof(ChoiceCases))]
    public void A_text_is_the_same_alone_and_among_others(string backEnd)
    {
        ChoiceRules rules = Plain with { Temperature = 0.9, Seed = 0x1234567890ABCDEF };
        float[] row = RandomLogits(new Random(3), 1);
        using Choosing alone = new(gpu.OpenBackEnd(backEnd), 1), many = new(gpu.OpenBackEnd(backEnd), 3);
        alone.Start(rules, 0, 1);
        many.Start(rules with { Seed = 1 }, 0, 1);
        many.Start(Plain, 1, 1);
        many.Start(rules, 2, 1);
        for (int step = 0; step < 6; step++)
        {
            alone.Choose(row);
            many.Choose([.. row, .. row, .. row]);
        }

        Assert.Equal(alone.Choice.Tokens(0).ToArray(), many.Choice.Tokens(2).ToArray());
        Assert.NotEqual(alone.Choice.Tokens(0).ToArray(), many.Choice.Tokens(0).ToArray());
        Assert.Equal(6, alone.Choice.Tokens(0).Length);
    }
}
