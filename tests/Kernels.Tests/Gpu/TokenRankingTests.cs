using Xunit;
using static Handwritten.Kernels.Tests.Gpu.ChoiceCases;

namespace Handwritten.Kernels.Tests.Gpu;

/// <summary>The best tokens of a row, which beam search goes on with.</summary>
[Collection(nameof(GpuTests))]
public sealed class TokenRankingTests(GpuFixture gpu)
{
    [Theory]
    [MemberData(nameof(BackEnds), MemberType = typeof(ChoiceCases))]
    public void The_best_tokens_come_in_order(string backEnd)
    {
        IKernels kernels = gpu.OpenBackEnd(backEnd);
        for (int seed = 0; seed < 6; seed++)
        {
            Random random = new(seed);
            int count = seed == 0 ? 64 : random.Next(1, 12);
            using Choosing cpu = new(gpu.Cpu, 2), other = new(kernels, 2);
            float[] values = RandomLogits(random, 2);
            foreach (Choosing run in new[] { cpu, other })
            {
                Random same = new(seed + 100);
                run.Start(RandomRules(same), 0, 1);
                run.Start(RandomRules(same), 1, 1);
                run.Kernels.WriteChoice(run.Choice, 0, seed % 2 == 0 ? [] : [Begin + 3, 17, 12, Begin + 500]);
                run.Kernels.WriteChoice(run.Choice, 1, [Begin, 5, Begin + 40, Begin + 40]);
                run.Kernels.Write(values, run.Logits);
            }

            int[] tokens = new int[2 * count], actual = new int[2 * count];
            float[] scores = new float[2 * count], actualScores = new float[2 * count];
            cpu.Kernels.TopTokens(cpu.Rows, cpu.Logits, cpu.Choice, count, tokens, scores);
            other.Kernels.TopTokens(other.Rows, other.Logits, other.Choice, count, actual, actualScores);
            Assert.Equal(tokens, actual);
            Assert.All(scores.Zip(actualScores), pair => Assert.Equal(pair.First, pair.Second, 1e-5f));
        }
    }

    [Theory]
    [MemberData(nameof(BackEnds), MemberType = typeof(ChoiceCases))]
    public void Where_few_are_allowed_few_are_ranked(string backEnd)
    {
        using Choosing run = new(gpu.OpenBackEnd(backEnd), 1);
        run.Start(Plain with { Never = [.. Enumerable.Range(0, Vocabulary).Where(token => token is not 7 and not 1031)] }, 0, 1);
        float[] logits = new float[Vocabulary];
        logits[1031] = 1;
        run.Kernels.Write(logits, run.Logits);
        int[] tokens = new int[4];
        float[] scores = new float[4];
        run.Kernels.TopTokens(run.Rows, run.Logits, run.Choice, 4, tokens, scores);
        Assert.Equal([1031, 7, -1, -1], tokens);
        Assert.Equal(-Math.Log(1 + Math.Exp(-1)), scores[0], 1e-6);
        Assert.Equal(float.NegativeInfinity, scores[3]);
    }
}
