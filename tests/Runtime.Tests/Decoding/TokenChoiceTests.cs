using Handwritten.Kernels;
using Handwritten.Kernels.Cpu;
using Handwritten.Model.Tokenization;
using Handwritten.Runtime.Decoding;
using Xunit;

namespace Handwritten.Runtime.Tests.Decoding;

/// <summary>The back end's choice against the rules and the search of this folder, token by token, on random logits.</summary>
public class TokenChoiceTests
{
    private const int Lanes = 3, Length = 40, Vocabulary = 51865;

    private static readonly SpecialTokens Special = Tokenizers.ForVocabulary(Vocabulary).Special;

    [Fact]
    public void Chooses_what_the_rules_and_the_greedy_search_choose()
    {
        using CpuKernels kernels = new(2);
        using TokenChoice choice = kernels.AllocateChoice(Lanes, Length, Vocabulary);
        using DecoderRows rows = kernels.AllocateRows(Length);
        using Tensor logits = kernels.AllocateSingle(2 * Lanes, Vocabulary);
        int steps = 0, ended = 0, full = 0, timestamps = 0;
        for (int seed = 0; seed < 60; seed++)
        {
            Random random = new(seed);
            Host[] hosts = [.. Enumerable.Range(0, Lanes).Select(_ => new Host(random))];
            rows.Clear();
            for (int lane = 0; lane < Lanes; lane++)
            {
                kernels.StartChoice(choice, hosts[lane].Rules, lane);
                int prompt = random.Next(1, 4);
                for (int position = 0; position < prompt; position++)
                {
                    rows.Add(0, lane, position, 0, wantsLogits: position == 0 || position == prompt - 1);
                }

                hosts[lane].Position = prompt - 1;
            }

            for (bool first = true; hosts.Any(host => host.IsOpen); first = false)
            {
                float[] values = RandomLogits(random, rows.OutputCount);
                kernels.Write(values, logits);
                for (int output = 0; output < rows.OutputCount; output++)
                {
                    int lane = rows.Lanes[rows.Outputs[output]];
                    bool last = output == rows.OutputCount - 1 || rows.Lanes[rows.Outputs[output + 1]] != lane;
                    hosts[lane].See(values.AsSpan(output * Vocabulary, Vocabulary), last);
                    steps++;
                }

                kernels.Choose(rows, logits, choice);
                kernels.ReadChoice(choice);
                for (int lane = 0; lane < Lanes; lane++)
                {
                    hosts[lane].AssertSame(choice, lane);
                }

                if (first)
                {
                    rows.Clear();
                    Array.ForEach([0, 1, 2], lane => rows.Add(0, lane, 0, 0, wantsLogits: true));
                    kernels.FollowChoice(rows, choice);
                }

                for (int lane = 0; lane < Lanes; lane++)
                {
                    if (hosts[lane].IsOpen)
                    {
                        Assert.Equal(hosts[lane].Tokens[^1], rows.Tokens[lane]);
                        Assert.Equal(hosts[lane].Position, rows.Positions[lane]);
                    }
                }
            }

            ended += hosts.Count(host => host.Status == ChoiceStatus.EndOfText);
            full += hosts.Count(host => host.Status == ChoiceStatus.Full);
            timestamps += hosts.Sum(host => host.Tokens.Count(token => token >= Special.TimestampBegin));
        }

        Assert.True(steps > 2000 && ended > 20 && full > 20 && timestamps > 300, $"{steps} steps, {ended} ended, {full} full, {timestamps} timestamps");
    }

    [Fact]
    public void Ranks_what_the_rules_leave()
    {
        using CpuKernels kernels = new(1);
        using TokenChoice choice = kernels.AllocateChoice(1, Length, Vocabulary);
        using DecoderRows rows = kernels.AllocateRows(1);
        using Tensor logits = kernels.AllocateSingle(1, Vocabulary);
        rows.Add(0, 0, 0, 0, wantsLogits: true);
        for (int seed = 0; seed < 100; seed++)
        {
            Random random = new(seed);
            Host host = new(random);
            kernels.StartChoice(choice, host.Rules, 0);
            for (int i = random.Next(8); i > 0; i--)
            {
                host.Tokens.Add(random.Next(3) == 0 ? random.Next(100) : Special.TimestampBegin + random.Next(1501));
            }

            kernels.WriteChoice(choice, 0, [.. host.Tokens]);
            float[] values = RandomLogits(random, 1);
            kernels.Write(values, logits);
            int[] tokens = new int[6];
            float[] logProbabilities = new float[6];
            kernels.TopTokens(rows, logits, choice, 6, tokens, logProbabilities);

            host.Filter(values);
            float normaliser = VocabularySoftmax.LogSumExp(values);
            int[] expected = [.. Enumerable.Range(0, Vocabulary).Where(token => !float.IsNegativeInfinity(values[token])).OrderByDescending(token => values[token]).Take(6)];
            Assert.Equal([.. expected, .. Enumerable.Repeat(-1, 6 - expected.Length)], tokens);
            Assert.Equal([.. expected.Select(token => values[token] - normaliser), .. Enumerable.Repeat(float.NegativeInfinity, 6 - expected.Length)], logProbabilities);
        }
    }

    /// <summary>Text and timestamps that win by turns, ends now and then, whole numbers so that there are ties.</summary>
    private static float[] RandomLogits(Random random, int count)
    {
        float[] values = new float[count * Vocabulary];
        for (int row = 0; row < count; row++)
        {
            Span<float> logits = values.AsSpan(row * Vocabulary, Vocabulary);
            float times = random.Next(-12, 9), grain = random.Next(3) == 0 ? 1 : 0;
            for (int token = 0; token < Vocabulary; token++)
            {
                float value = (float)(random.NextDouble() * 10) + (token >= Special.TimestampBegin ? times : 0);
                logits[token] = grain > 0 ? MathF.Round(value) : value;
            }

            logits[Special.EndOfText] = random.Next(25) == 0 ? 20 : -5;
            logits[random.Next(Vocabulary)] = 15;
            logits[Special.NoSpeech] = 18;
        }

        return values;
    }

    /// <summary>One lane as the host decodes it: rules, then the most probable token.</summary>
    private sealed class Host
    {
        private readonly ILogitRule[] _rules;
        private readonly List<float> _logProbabilities = [];
        private double _sum;
        private double _noSpeech = double.NaN;

        public Host(Random random)
        {
            int[] never = [.. Enumerable.Range(0, 200).Select(_ => random.Next(Vocabulary)).Where(token => token != Special.EndOfText), Special.NoSpeech];
            int[] neverFirst = [220, Special.EndOfText];
            int? limit = random.Next(3) == 0 ? null : random.Next(3) * 25;
            bool times = random.Next(4) > 0;
            _rules = [new SuppressBlank(neverFirst), new SuppressTokens(never), .. times ? [new TimestampRules(Special, limit)] : Array.Empty<ILogitRule>()];
            Rules = new ChoiceRules
            {
                EndOfText = Special.EndOfText,
                NoSpeech = Special.NoSpeech,
                MaxTokens = random.Next(1, Length),
                Never = never,
                NeverFirst = neverFirst,
                Timestamps = times ? new TimestampGrammar(Special.TimestampBegin, Special.NoTimestamps, limit) : null,
            };
        }

        public ChoiceRules Rules { get; }

        public List<int> Tokens { get; } = [];

        public ChoiceStatus Status { get; private set; }

        public bool IsOpen => Status == ChoiceStatus.Open;

        public int Position { get; set; }

        public void Filter(Span<float> logits)
        {
            foreach (ILogitRule rule in _rules)
            {
                rule.Apply(logits, [.. Tokens]);
            }
        }

        public void See(Span<float> logits, bool isLast)
        {
            if (double.IsNaN(_noSpeech))
            {
                _noSpeech = Math.Exp(logits[Special.NoSpeech] - VocabularySoftmax.LogSumExp(logits));
            }

            if (!isLast || !IsOpen)
            {
                return;
            }

            Filter(logits);
            int token = VocabularySoftmax.ArgMax(logits);
            float logProbability = logits[token] - VocabularySoftmax.LogSumExp(logits);
            _sum += logProbability;
            if (token == Special.EndOfText)
            {
                Status = ChoiceStatus.EndOfText;
                return;
            }

            Tokens.Add(token);
            _logProbabilities.Add(logProbability);
            Position++;
            Status = Tokens.Count == Rules.MaxTokens || Position == Length ? ChoiceStatus.Full : ChoiceStatus.Open;
        }

        public void AssertSame(TokenChoice choice, int lane)
        {
            Assert.Equal(Tokens, choice.Tokens(lane).ToArray());
            Assert.Equal(Status, choice.Status(lane));
            Assert.Equal(_sum, choice.SumLogProbability(lane), 1e-5);
            Assert.Equal(_logProbabilities, choice.LogProbabilities(lane).ToArray());
            Assert.Equal(_noSpeech, choice.NoSpeechProbability(lane), 1e-6);
        }
    }
}
