using Handwritten.Kernels.Gpu;
using Xunit;

namespace Handwritten.Kernels.Tests.Gpu;

/// <summary>What tests of the choice of tokens have in common: a vocabulary that is no multiple of anything, rules and logits.</summary>
internal static class ChoiceCases
{
    public const int Vocabulary = 5003, EndOfText = 3900, NoSpeech = 3950, NoTimestamps = 3999, Begin = 4000;

    public static readonly ChoiceRules Plain = new() { EndOfText = EndOfText, NoSpeech = NoSpeech, MaxTokens = 20 };

    public static TheoryData<string> BackEnds => ["cpu", "h200", "t4"];

    /// <summary>A back end of <see cref="BackEnds"/>.</summary>
    public static IKernels OpenBackEnd(this GpuFixture gpu, string backEnd) => backEnd == "cpu" ? gpu.Cpu : gpu.Open(backEnd, ComputeType.Float32);

    /// <summary>Rules of any kind: with and without timestamps, at temperature 0 and above.</summary>
    public static ChoiceRules RandomRules(Random random) => Plain with
    {
        MaxTokens = random.Next(3, Choosing.Length),
        Never = [NoSpeech, .. Enumerable.Range(0, 50).Select(_ => random.Next(EndOfText))],
        NeverFirst = [random.Next(100), EndOfText],
        Timestamps = random.Next(4) == 0 ? null : new TimestampGrammar(Begin, NoTimestamps, random.Next(2) == 0 ? null : random.Next(60)),
        Temperature = random.Next(2) == 0 ? 0 : random.NextDouble() + 0.01,
        Seed = (ulong)random.NextInt64(),
    };

    /// <summary>Rows of logits [count, vocabulary]; a third of the rows are of whole numbers, so that many are equal.</summary>
    public static float[] RandomLogits(Random random, int count)
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
}
