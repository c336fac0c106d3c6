using Xunit;
using static Handwritten.Kernels.Tests.Gpu.ChoiceCases;

namespace Handwritten.Kernels.Tests.Gpu;

/// <summary>Both back ends choose by the definition, and alike. That the definition is Whisper's is tested in Runtime.Tests.</summary>
[Collection(nameof(GpuTests))]
public sealed class TokenChoiceTests(GpuFixture gpu)
{
    [Theory]
    [InlineData("h200", 40)]
    [InlineData("t4", 10)]
    public void A_GPU_chooses_what_the_CPU_chooses(string device, int texts)
    {
        int steps = 0, timestamps = 0;
        for (int seed = 0; seed < texts; seed++)
        {
            Random random = new(seed);
            using Choosing cpu = new(gpu.Cpu, 4), other = new(gpu.OpenBackEnd(device), 4);
            int prompt = random.Next(1, 4);
            for (int lane = 0; lane < 4; lane++)
            {
                ChoiceRules rules = RandomRules(random);
                cpu.Start(rules, lane, prompt);
                other.Start(rules, lane, prompt);
            }

            for (int step = 0; step < 12; step++)
            {
                float[] values = RandomLogits(random, cpu.Rows.OutputCount);
                cpu.Choose(values);
                other.Choose(values);
                AssertSame(cpu.Choice, other.Choice, 4);
                cpu.FollowAfterPrompt(step);
                other.FollowAfterPrompt(step);
                steps += 4;
            }

            timestamps += Enumerable.Range(0, 4).Sum(lane => cpu.Choice.Tokens(lane).ToArray().Count(token => token >= Begin));
        }

        Assert.True(timestamps > steps / 20, $"{timestamps} timestamps in {steps} steps");
    }

    [Fact]
    public void A_real_vocabulary_gives_the_same_tokens_and_scores()
    {
        const int vocabulary = 51865;
        Random random = new(5);
        ChoiceRules rules = new()
        {
            EndOfText = 50257,
            NoSpeech = 50362,
            MaxTokens = 10,
            NeverFirst = [220, 50257],
            Timestamps = new TimestampGrammar(50364, 50363, 50),
        };
        using Choosing cpu = new(gpu.Cpu, 2, vocabulary), other = new(gpu.OpenBackEnd("h200"), 2, vocabulary);
        cpu.Start(rules, 0, 3);
        other.Start(rules, 0, 3);
        cpu.Start(rules with { Temperature = 0.6, Seed = 77 }, 1, 3);
        other.Start(rules with { Temperature = 0.6, Seed = 77 }, 1, 3);
        for (int step = 0; step < 4; step++)
        {
            float[] values = [.. Enumerable.Range(0, cpu.Rows.OutputCount * vocabulary).Select(_ => (float)(random.NextDouble() * 12))];
            cpu.Choose(values);
            other.Choose(values);
            AssertSame(cpu.Choice, other.Choice, 2);
            cpu.FollowAfterPrompt(step);
            other.FollowAfterPrompt(step);
        }
    }

    [Theory]
    [MemberData(nameof(BackEnds), MemberType = typeof(ChoiceCases))]
    public void The_first_of_equal_logits_wins(string backEnd)
    {
        foreach ((int first, int second) in new[] { (0, 5002), (1, 2), (1025, 2049), (1024, 1025), (31, 32), (3100, 4100) })
        {
            float[] logits = new float[Vocabulary];
            Array.Fill(logits, -3);
            (logits[first], logits[second]) = (2, 2);
            Assert.Equal([first], ChooseOne(backEnd, Plain, logits).Tokens(0).ToArray());
        }

        float[] zeros = new float[Vocabulary];
        zeros[0] = -0f; // as large as any
        Assert.Equal([0], ChooseOne(backEnd, Plain, zeros).Tokens(0).ToArray());
    }

    [Theory]
    [MemberData(nameof(BackEnds), MemberType = typeof(ChoiceCases))]
    public void A_text_ends_where_everything_is_forbidden(string backEnd)
    {
        foreach (double temperature in new[] { 0, 0.8 })
        {
            ChoiceRules rules = Plain with { Never = [.. Enumerable.Range(0, Vocabulary)], Temperature = temperature };
            TokenChoice choice = ChooseOne(backEnd, rules, new float[Vocabulary]);
            Assert.Equal(ChoiceStatus.EndOfText, choice.Status(0));
            Assert.Equal(0, choice.SumLogProbability(0));
            Assert.Equal(1.0 / Vocabulary, choice.NoSpeechProbability(0), 1e-8);
            Assert.Empty(choice.Tokens(0).ToArray());
        }
    }

    [Theory]
    [MemberData(nameof(BackEnds), MemberType = typeof(ChoiceCases))]
    public void What_is_no_number_shows_in_the_sum(string backEnd)
    {
        foreach (double temperature in new[] { 0, 0.8 })
        {
            float[] logits = new float[Vocabulary];
            (logits[700], logits[900]) = (float.NaN, float.NaN);
            TokenChoice choice = ChooseOne(backEnd, Plain with { Temperature = temperature, Timestamps = new(Begin, NoTimestamps, null) }, logits, [3, Begin + 7, Begin + 8]);
            Assert.Equal(700, choice.Tokens(0)[^1]);
            Assert.Equal(double.NaN, choice.SumLogProbability(0));
            Assert.Equal(double.NaN, ChooseOne(backEnd, Plain, logits).NoSpeechProbability(0));
        }
    }

    [Theory]
    [MemberData(nameof(BackEnds), MemberType = typeof(ChoiceCases))]
    public void A_lane_that_has_ended_stays_as_it_is(string backEnd)
    {
        using Choosing run = new(gpu.OpenBackEnd(backEnd), 2);
        run.Start(Plain, 0, 1);
        run.Start(Plain with { MaxTokens = 1 }, 1, 1);
        float[] logits = new float[2 * Vocabulary];
        (logits[EndOfText], logits[Vocabulary + 17]) = (9, 9);
        run.Choose(logits);
        double sum = run.Choice.SumLogProbability(0), other = run.Choice.SumLogProbability(1);
        run.Choose(logits);
        run.Choose(logits);
        Assert.Equal((ChoiceStatus.EndOfText, 0, sum), (run.Choice.Status(0), run.Choice.Tokens(0).Length, run.Choice.SumLogProbability(0)));
        Assert.Equal((ChoiceStatus.Full, 1, other), (run.Choice.Status(1), run.Choice.Tokens(1).Length, run.Choice.SumLogProbability(1)));
    }

    [Theory]
    [MemberData(nameof(BackEnds), MemberType = typeof(ChoiceCases))]
    public void A_lane_at_its_last_position_is_full(string backEnd)
    {
        using Choosing run = new(gpu.OpenBackEnd(backEnd), 1);
        run.Start(Plain, 0, Choosing.Length - 1);
        float[] logits = new float[2 * Vocabulary];
        logits[Vocabulary + 44] = 5;
        run.Choose(logits);
        Assert.Equal(ChoiceStatus.Open, run.Choice.Status(0));
        run.FollowAfterPrompt(0);
        run.Choose(logits.AsSpan(Vocabulary).ToArray());
        Assert.Equal(ChoiceStatus.Full, run.Choice.Status(0));
        Assert.Equal([44, 44], run.Choice.Tokens(0).ToArray());
    }

    [Theory]
    [MemberData(nameof(BackEnds), MemberType = typeof(ChoiceCases))]
    public void Rules_that_speak_of_other_tokens_or_lanes_are_refused(string backEnd)
    {
        IKernels kernels = gpu.OpenBackEnd(backEnd);
        using Choosing run = new(kernels, 2);
        Assert.Contains("token 5003,", Refused(() => kernels.StartChoice(run.Choice, Plain with { Never = [Vocabulary] }, 0)), StringComparison.Ordinal);
        Assert.Contains("Lanes 1 to 2", Refused(() => kernels.StartChoice(run.Choice, Plain, 1, 2)), StringComparison.Ordinal);
        Assert.Contains("up to 21 tokens", Refused(() => kernels.StartChoice(run.Choice, Plain with { MaxTokens = 21 }, 0)), StringComparison.Ordinal);
        Assert.Contains("temperature is -1", Refused(() => kernels.StartChoice(run.Choice, Plain with { Temperature = -1 }, 0)), StringComparison.Ordinal);
        Assert.Contains("not 65", Refused(() => kernels.TopTokens(run.Rows, run.Logits, run.Choice, 65, new int[99], new float[99])), StringComparison.Ordinal);
    }

    private static string Refused(Action call) => Assert.Throws<ArgumentException>(call).Message;

    private static void AssertSame(TokenChoice expected, TokenChoice actual, int lanes)
    {
        for (int lane = 0; lane < lanes; lane++)
        {
            Assert.Equal(expected.Tokens(lane).ToArray(), actual.Tokens(lane).ToArray());
            Assert.Equal(expected.Status(lane), actual.Status(lane));
            Assert.Equal(expected.SumLogProbability(lane), actual.SumLogProbability(lane), 2e-5);
            Assert.All(expected.LogProbabilities(lane).ToArray().Zip(actual.LogProbabilities(lane).ToArray()), pair => Assert.Equal(pair.First, pair.Second, 2e-5f));
            Assert.Equal(expected.NoSpeechProbability(lane), actual.NoSpeechProbability(lane), 1e-7);
        }
    }

    private TokenChoice ChooseOne(string backEnd, ChoiceRules rules, float[] logits, int[]? history = null)
    {
        using Choosing run = new(gpu.OpenBackEnd(backEnd), 1);
        run.Start(rules, 0, 1);
        run.Kernels.WriteChoice(run.Choice, 0, history ?? []);
        run.Choose(logits);
        return run.Choice;
    }
}
