using Handwritten.Kernels.Gpu;
using Xunit;

namespace Handwritten.Kernels.Tests.Gpu;

/// <summary>A step from embedding to chosen token, recorded once: tokens and positions go from step to step without the host.</summary>
[Collection(nameof(GpuTests))]
public sealed class RecordedStepTests(GpuFixture gpu)
{
    private const int Vocabulary = 301, Width = 64, Length = 24, Lanes = 3, Begin = 200, EndOfText = 190;

    [Theory]
    [InlineData("h200")]
    [InlineData("t4")]
    public void A_recorded_step_chooses_what_the_CPU_chooses(string device)
    {
        (int[][] expected, double[] expectedSums) = Run(gpu.Cpu);
        (int[][] actual, double[] actualSums) = Run(gpu.Open(device, ComputeType.Float32));
        Assert.Equal(expected, actual);
        Assert.All(expectedSums.Zip(actualSums), pair => Assert.Equal(pair.First, pair.Second, 1e-3));
        Assert.All(expected, tokens => Assert.True(tokens.Length > 8));
    }

    [Fact]
    public void What_waits_for_the_device_cannot_be_recorded()
    {
        IKernels kernels = gpu.Open("h200", ComputeType.Float32);
        using Tensor x = kernels.AllocateSingle(8);
        float[] values = new float[8];
        Assert.Contains("cannot be recorded", Assert.Throws<GpuException>(() => kernels.Record(() => kernels.Read(x, values))).Message, StringComparison.Ordinal);
        kernels.Read(x, values); // and the stream still works
    }

    private static (int[][] Tokens, double[] Sums) Run(IKernels kernels)
    {
        float[] table = Array.ConvertAll(Make.Values(1, Vocabulary, Width), value => 3 * value), places = Make.Values(2, Length, Width);
        using HostTensor host = Make.Host(DType.F32, table, Vocabulary, Width).Tensor;
        using Linear output = new(kernels.LoadMatrix(host), null);
        using Norm norm = new(Make.Table(kernels, Make.Values(3, Width), Width), Make.Table(kernels, Make.Values(4, Width), Width));
        using Tensor positions = Make.Table(kernels, places, Length, Width);
        using Tensor x = kernels.AllocateSingle(Length, Width), h = kernels.Allocate(Length, Width), logits = kernels.AllocateSingle(2 * Lanes, Vocabulary), selected = kernels.AllocateSingle(2 * Lanes, Width);
        using TokenChoice choice = kernels.AllocateChoice(Lanes, Length, Vocabulary);
        using DecoderRows rows = kernels.AllocateRows(Length);
        ChoiceRules rules = new() { EndOfText = EndOfText, NoSpeech = 195, MaxTokens = 15, Never = [EndOfText, 3, 4], Timestamps = new(Begin, 199, 5) };
        for (int lane = 0; lane < Lanes; lane++)
        {
            kernels.StartChoice(choice, rules with { Temperature = lane == 2 ? 1 : 0, Timestamps = lane == 1 ? null : rules.Timestamps, Seed = 5 }, lane);
            for (int position = 0; position < 2 + lane; position++)
            {
                rows.Add(10 + position, lane, position, 0, wantsLogits: position == 0 || position == 1 + lane);
            }
        }

        Step(); // the prompts, and the first tokens
        rows.Clear();
        for (int lane = 0; lane < Lanes; lane++)
        {
            rows.Add(0, lane, 0, 0, wantsLogits: true);
        }

        kernels.FollowChoice(rows, choice);
        Step();
        using IRecordedPass step = kernels.Record(Step);
        for (int i = 0; i < 10; i++)
        {
            step.Run();
        }

        kernels.ReadChoice(choice);
        return ([.. Enumerable.Range(0, Lanes).Select(lane => choice.Tokens(lane).ToArray())], [.. Enumerable.Range(0, Lanes).Select(choice.SumLogProbability)]);

        void Step()
        {
            kernels.Embed(rows, output.Weight, positions, x);
            kernels.GatherOutputs(rows, x, selected);
            kernels.LayerNorm(rows.OutputCount, selected, norm, h);
            kernels.MatMul(rows.OutputCount, h, output, logits);
            kernels.Choose(rows, logits, choice);
        }
    }
}
