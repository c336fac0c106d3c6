using Handwritten.Kernels.Gpu;
using Xunit;

namespace Handwritten.Kernels.Tests.Gpu;

/// <summary>Both back ends choose by the definition, and alike. That the definition is Whisper's is tested in Runtime.Tests.</summary>
[Collection(nameof(GpuTests))]
public sealed class TokenChoiceTests(GpuFixture gpu)
{
    private const int Vocabulary = 5003, EndOfText = 3900, NoSpeech = 3950, NoTimestamps = 3999, Begin = 4000;

    private static readonly ChoiceRules Plain = new() { EndOfText = EndOfText, NoSpeech = NoSpeech, MaxTokens = 20 };

    public static TheoryData<string> BackEnds => ["cpu", "h200", "t4"];

    [Theory]
    [InlineData("h200", 40)]
    [InlineData("t4", 10)]
    public void A_GPU_chooses_what_the_CPU_chooses(string device, int texts)
    {
        int steps = 0, timestamps = 0;
        for (int seed = 0; seed < texts; seed++)
        {
            Random random = new(seed);
            using Choosing cpu = new(gpu.Cpu, 4), other = new(Open(device), 4);
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
        using Choosing cpu = new(gpu.Cpu, 2, vocabulary), other = new(Open("h200"), 2, vocabulary);
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
    [MemberData(nameof(BackEnds))]
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
    [MemberData(nameof(BackEnds))]
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
    [MemberData(nameof(BackEnds))]
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
    [MemberData(nameof(BackEnds))]
    public void A_lane_that_has_ended_stays_as_it_is(string backEnd)
    {
        using Choosing run = new(Open(backEnd), 2);
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
    [MemberData(nameof(BackEnds))]
    public void A_lane_at_its_last_position_is_full(string backEnd)
    {
        using Choosing run = new(Open(backEnd), 1);
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
    [MemberData(nameof(BackEnds))]
    public void Lanes_that_start_together_go_on_from_the_same_position(string backEnd)
    {
        using Choosing run = new(Open(backEnd), 3);
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
        using Choosing run = new(Open(backEnd), lanes, vocabulary);
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
    [MemberData(nameof(BackEnds))]
    public void A_text_is_the_same_alone_and_among_others(string backEnd)
    {
        ChoiceRules rules = Plain with { Temperature = 0.9, Seed = 0x1234567890ABCDEF };
        float[] row = RandomLogits(new Random(3), 1);
        using Choosing alone = new(Open(backEnd), 1), many = new(Open(backEnd), 3);
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

    [Theory]
    [MemberData(nameof(BackEnds))]
    public void The_best_tokens_come_in_order(string backEnd)
    {
        IKernels kernels = Open(backEnd);
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
    [MemberData(nameof(BackEnds))]
    public void Where_few_are_allowed_few_are_ranked(string backEnd)
    {
        using Choosing run = new(Open(backEnd), 1);
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

    [Theory]
    [MemberData(nameof(BackEnds))]
    public void Rules_that_speak_of_other_tokens_or_lanes_are_refused(string backEnd)
    {
        IKernels kernels = Open(backEnd);
        using Choosing run = new(kernels, 2);
        Assert.Contains("token 5003,", Refused(() => kernels.StartChoice(run.Choice, Plain with { Never = [Vocabulary] }, 0)), StringComparison.Ordinal);
        Assert.Contains("Lanes 1 to 2", Refused(() => kernels.StartChoice(run.Choice, Plain, 1, 2)), StringComparison.Ordinal);
        Assert.Contains("up to 21 tokens", Refused(() => kernels.StartChoice(run.Choice, Plain with { MaxTokens = 21 }, 0)), StringComparison.Ordinal);
        Assert.Contains("temperature is -1", Refused(() => kernels.StartChoice(run.Choice, Plain with { Temperature = -1 }, 0)), StringComparison.Ordinal);
        Assert.Contains("not 65", Refused(() => kernels.TopTokens(run.Rows, run.Logits, run.Choice, 65, new int[99], new float[99])), StringComparison.Ordinal);
    }

    private static string Refused(Action call) => Assert.Throws<ArgumentException>(call).Message;

    private static ChoiceRules RandomRules(Random random) => Plain with
    {
        MaxTokens = random.Next(3, Choosing.Length),
        Never = [NoSpeech, .. Enumerable.Range(0, 50).Select(_ => random.Next(EndOfText))],
        NeverFirst = [random.Next(100), EndOfText],
        Timestamps = random.Next(4) == 0 ? null : new TimestampGrammar(Begin, NoTimestamps, random.Next(2) == 0 ? null : random.Next(60)),
        Temperature = random.Next(2) == 0 ? 0 : random.NextDouble() + 0.01,
        Seed = (ulong)random.NextInt64(),
    };

    private static float[] RandomLogits(Random random, int count)
    {
        float[] values = new float[count * Vocabulary];
        for (int row = 0; row < count; row++)
        {
            Span<float> logits = values.AsSpan(row * Vocabulary, Vocabulary);
            bool whole = random.Next(3) == 0;
            float times = random.Next(-10, 6);
            for (int token = 0; token < Vocabulary; token++)
            {
                float value = (float)(random.NextDouble() * 10) + (token >= Begin ? times : 0);
                logits[token] = whole ? MathF.Round(value) : value;
            }

            logits[EndOfText] = random.Next(20) == 0 ? 20 : -5;
            logits[random.Next(Vocabulary)] = 14;
        }

        return values;
    }

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

    private IKernels Open(string backEnd) => backEnd == "cpu" ? gpu.Cpu : gpu.Open(backEnd, ComputeType.Float32);

    private TokenChoice ChooseOne(string backEnd, ChoiceRules rules, float[] logits, int[]? history = null)
    {
        using Choosing run = new(Open(backEnd), 1);
        run.Start(rules, 0, 1);
        run.Kernels.WriteChoice(run.Choice, 0, history ?? []);
        run.Choose(logits);
        return run.Choice;
    }

    /// <summary>Rows, logits and choice of a back end.</summary>
    private sealed class Choosing(IKernels kernels, int lanes, int vocabulary = Vocabulary) : IDisposable
    {
        public const int Length = 20;

        public IKernels Kernels => kernels;

        public TokenChoice Choice { get; } = kernels.AllocateChoice(lanes, Length, vocabulary);

        public DecoderRows Rows { get; } = kernels.AllocateRows(Math.Max(lanes, 4 * Length));

        public Tensor Logits { get; } = kernels.AllocateSingle(2 * lanes, vocabulary);

        /// <summary>Starts a lane, and adds its prompt to the rows.</summary>
        public void Start(ChoiceRules rules, int lane, int prompt)
        {
            kernels.StartChoice(Choice, rules, lane);
            for (int position = 0; position < prompt; position++)
            {
                Rows.Add(1, lane, position, 0, wantsLogits: position == 0 || position == prompt - 1);
            }
        }

        public void StartTogether(ChoiceRules rules, int lanes, int position = 0)
        {
            kernels.StartChoice(Choice, rules, 0, lanes);
            Rows.Clear();
            Rows.Add(1, 0, position, 0, wantsLogits: true);
        }

        public void Choose(float[] logits)
        {
            kernels.Write(logits, Logits);
            kernels.Choose(Rows, Logits, Choice);
            kernels.ReadChoice(Choice);
        }

        public void FollowAfterPrompt(int step)
        {
            if (step == 0)
            {
                FollowAll(lanes);
            }
        }

        public void FollowAll(int lanes)
        {
            Rows.Clear();
            for (int lane = 0; lane < lanes; lane++)
            {
                Rows.Add(1, lane, 1, 0, wantsLogits: true);
            }

            kernels.FollowChoice(Rows, Choice);
        }

        public void Dispose()
        {
            Choice.Dispose();
            Rows.Dispose();
            Logits.Dispose();
        }
    }
}
