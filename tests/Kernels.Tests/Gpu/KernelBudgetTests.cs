using System.Text.Json;
using System.Text.RegularExpressions;
using Handwritten.Kernels.Gpu;
using Handwritten.Kernels.Gpu.Profiling;
using Handwritten.Kernels.Tests.Gpu.Compilation;
using Handwritten.Kernels.Tests.LogMel;
using Xunit;

namespace Handwritten.Kernels.Tests.Gpu;

/// <summary>
/// Two budgets that hold for every kernel, whatever it does, counted by the emulated driver: memory moves in whole sectors,
/// and no access to shared memory is repeated for a bank conflict. A kernel that is not in the table fails a test.
/// </summary>
[Collection(nameof(GpuTests))]
public sealed partial class KernelBudgetTests(GpuFixture gpu)
{
    private const int Heads = 3, Width = 64 * Heads, Frames = 1500, Lanes = 3, Length = 40, Vocabulary = 4999;

    /// <summary>
    /// Every kernel, with the least share of the sectors it touches that it must have asked for; above 1 counts what several
    /// lanes read. Two cannot reach 0.95: the filters are rows of 201 floats, which begin and end within a sector, 64 KB once a
    /// recording; and to follow a choice is to move five words a row, each in a sector of its own.
    /// </summary>
    private static readonly Dictionary<string, double> Shares = new()
    {
        ["CrossAttention.Attend"] = 0.95,
        ["CrossAttentionWeights.Kernel"] = 0.95,
        ["Embedding.Kernel"] = 0.95,
        ["EncoderAttentionSingle.EncoderAttentionKernel"] = 0.95,
        ["EncoderAttentionTensor.EncoderAttentionKernel"] = 0.95,
        ["Int8Widening.Kernel"] = 0.95,
        ["KeyValueStore.Kernel"] = 0.95,
        ["LayerNormalization.LayerNormKernel"] = 0.95,
        ["LogMelTransform.FloorKernel"] = 0.95,
        ["LogMelTransform.LogsKernel"] = 0.95,
        ["LogMelTransform.RangesKernel"] = 0.76,
        ["RowGather.Kernel"] = 0.95,
        ["SelfAttention.Append"] = 0.95,
        ["SelfAttention.Attend"] = 0.95,
        ["SkinnyProduct.MultiplyAdd"] = 0.95,
        ["SkinnyProduct.TensorCore"] = 0.95,
        ["TiledProduct.Kernel"] = 0.95,
        ["TokenChooser.ChooseTokens"] = 0.95,
        ["TokenChooser.FollowChoice"] = 0.2,
        ["TokenRanking.RankTokens"] = 0.95,
        ["WarpgroupProduct.Kernel"] = 0.95,
        ["WindowCopy.WindowCopyKernel"] = 0.95,
    };

    /// <summary>Kernels of devices that are asked for wgmma, of int8 weights, of float32 alone, and of the types that tensor cores multiply.</summary>
    private static readonly string[] OfWarpgroups = ["WarpgroupProduct.Kernel"], OfInt8 = ["Int8Widening.Kernel"], OfSingle = ["EncoderAttentionSingle.EncoderAttentionKernel", "SkinnyProduct.MultiplyAdd"], OfHalves = ["EncoderAttentionTensor.EncoderAttentionKernel", "SkinnyProduct.TensorCore"];

    [Fact]
    public void No_kernel_is_without_a_budget() =>
        Assert.Equal(LoadedMethods.All.Select(method => $"{method.DeclaringType!.Name.Split('`')[0]}.{method.Name}").Order(), Shares.Keys.Order());

    [CountersTheory]
    [MemberData(nameof(GpuFixture.AllWithInt8), MemberType = typeof(GpuFixture))]
    public void Kernels_move_whole_sectors_and_ask_no_bank_twice(string device, ComputeType type)
    {
        IGpuKernels kernels = (IGpuKernels)gpu.Open(device, type);
        Check(kernels, () => RunEverything(kernels), Shares.Keys.Except(OfWarpgroups).Except(type.HasInt8Weights() ? [] : OfInt8).Except(type.Activations() == ComputeType.Float32 ? OfHalves : OfSingle));
    }

    [CountersFact]
    public void Products_by_wgmma_do_as_well()
    {
        const int rows = 1500, outputs = 704;
        IGpuKernels kernels = (IGpuKernels)gpu.Open(GpuFixture.Hopper, ComputeType.Float16);
        using Tensor x = kernels.Allocate(rows, Width), y = kernels.Allocate(rows, outputs);
        using Linear linear = Make.Linear(kernels, 1, DType.F32, outputs, Width, new float[outputs]).Linear;
        Check(kernels, () => kernels.MatMul(rows, x, linear, y, Epilogue.Gelu), OfWarpgroups);
    }

    private static void Check(IGpuKernels kernels, Action work, IEnumerable<string> expected)
    {
        Counts counts = new();
        kernels.Device.Kernels.Watch = counts;
        try
        {
            work();
        }
        finally
        {
            kernels.Device.Kernels.Watch = null;
        }

        Assert.Equal(expected.Order(), counts.Launches.Select(launch => launch.Kernel).Distinct().Order());
        Assert.Equal([], counts.Launches.Where(launch => launch.Replays > 0 || launch.Share < Shares[launch.Kernel]));
    }

    /// <summary>Every operation, where it takes another kernel or another form of one.</summary>
    private static void RunEverything(IKernels kernels)
    {
        RunEncoder(kernels);
        RunProducts(kernels);
        using DecoderRows prompt = kernels.AllocateRows(2 * Lanes), step = kernels.AllocateRows(Lanes);
        for (int lane = 0; lane < Lanes; lane++)
        {
            prompt.Add(1, lane, 0, lane, false);
            prompt.Add(2, lane, 1, lane, true);
            step.Add(3, lane, 2, lane, true);
        }

        RunDecoder(kernels, prompt);
        RunDecoder(kernels, step);
    }

    private static void RunEncoder(IKernels kernels)
    {
        const int frames = 200;
        foreach (int mels in (int[])[80, 128])
        {
            using Tensor filters = Make.Table(kernels, ReferenceTensor.Read("mel_filters.safetensors", $"mel_{mels}"), mels, 201);
            using Tensor mel = kernels.LogMel(Make.Values(1, 16000), frames * 160, filters), window = kernels.Allocate(1, frames, mels), y = kernels.Allocate(1, frames, Width);
            kernels.CopyWindow(mel, 10, 100, window, 0);
            using Linear convolution = Convolution(kernels, mels);
            kernels.Conv1dGelu(1, window, convolution, 1, null, y);
        }

        using Tensor x = kernels.Allocate(1, frames, Width), sums = kernels.AllocateSingle(1, frames / 2, Width), positions = Make.Table(kernels, new float[frames / 2 * Width], frames / 2, Width);
        using Linear second = Convolution(kernels, Width);
        kernels.Conv1dGelu(1, x, second, 2, positions, sums);
        using Tensor queryKeyValue = kernels.Allocate(1, Frames, 3 * Width), attended = kernels.Allocate(1, Frames, Width);
        kernels.Attention(1, queryKeyValue, Heads, attended);
        using Norm norm = new(Make.Table(kernels, new float[Width], Width), Make.Table(kernels, new float[Width], Width));
        kernels.LayerNorm(frames / 2, sums, norm, x);
        kernels.LayerNorm(Lanes, sums, norm, x);
    }

    private static Linear Convolution(IKernels kernels, int channels)
    {
        using HostTensor weight = Make.Host(DType.F32, Make.Values(2, Width, channels, 3), Width, channels, 3).Tensor;
        return new Linear(kernels.LoadConvolution(weight), Make.Bias(kernels, new float[Width]));
    }

    private static void RunProducts(IKernels kernels)
    {
        using Tensor x = kernels.Allocate(200, Width), y = kernels.Allocate(200, 4 * Width), single = kernels.AllocateSingle(200, Width), logits = kernels.AllocateSingle(200, Vocabulary);
        using Linear square = Make.Linear(kernels, 1, DType.F32, Width, Width, new float[Width]).Linear, expand = Make.Linear(kernels, 1, DType.F32, 4 * Width, Width, new float[4 * Width]).Linear;
        using Linear table = Make.Linear(kernels, 1, DType.F32, Vocabulary, Width, null).Linear;
        using Norm norm = new(Make.Table(kernels, new float[Width], Width), Make.Table(kernels, new float[Width], Width));
        foreach (int rows in (int[])[1, 3, 17, 64, 77, 200])
        {
            kernels.MatMul(rows, x, expand, y);
            kernels.MatMul(rows, x, expand, y, Epilogue.Gelu);
            kernels.MatMul(rows, x, square, single, Epilogue.AddToOutput);
            kernels.MatMul(rows, x, table, logits);
            kernels.NormMatMul(rows, single, norm, expand, x, y, Epilogue.Gelu);
        }
    }

    private static void RunDecoder(IKernels kernels, DecoderRows rows)
    {
        using Tensor tokens = Make.Matrix(kernels, new float[Vocabulary * Width], Vocabulary, Width), positions = Make.Table(kernels, new float[Length * Width], Length, Width);
        using Tensor x = kernels.AllocateSingle(rows.Count, Width), h = kernels.Allocate(rows.Count, Width), queryKeyValue = kernels.Allocate(rows.Count, 3 * Width);
        using Tensor keyValue = kernels.Allocate(Lanes, Frames, 2 * Width), weights = kernels.AllocateSingle(rows.Count, Frames), selected = kernels.AllocateSingle(Lanes, Width), logits = kernels.AllocateSingle(Lanes, Vocabulary);
        using KeyValueCache self = kernels.AllocateCache(Lanes, Length, Heads, 64), cross = kernels.AllocateCache(Lanes, Frames, Heads, 64);
        using TokenChoice choice = kernels.AllocateChoice(Lanes, Length, Vocabulary);
        kernels.StartChoice(choice, new ChoiceRules { EndOfText = 4000, NoSpeech = 4001, MaxTokens = 20, Timestamps = new(4100, 4099, 50) }, 0, Lanes);
        kernels.Embed(rows, tokens, positions, x);
        kernels.StoreKeysValues(keyValue, cross, 0, 1, 2);
        kernels.AttendSelf(rows, queryKeyValue, self, h);
        kernels.AttendCross(rows, h, cross, h);
        kernels.CrossAttentionWeights(rows, h, cross, 1, weights);
        kernels.GatherOutputs(rows, x, selected);
        kernels.TopTokens(rows, logits, choice, 5, new int[5 * Lanes], new float[5 * Lanes]);
        kernels.Choose(rows, logits, choice);
        kernels.FollowChoice(rows, choice);
    }

    /// <summary>What each launch moved.</summary>
    private sealed partial class Counts : ILaunchWatch
    {
        private readonly EmulatorCounts _counts = new();

        public List<(string Kernel, double Share, long Replays)> Launches { get; } = [];

        public void BeforeLaunch() => _counts.Reset();

        public void AfterLaunch(string kernel)
        {
            using JsonDocument profile = _counts.Read();
            JsonElement counters = profile.RootElement.GetProperty("kernels")[0];
            long bytes = counters.GetProperty("globalBytesRead").GetInt64() + counters.GetProperty("globalBytesWritten").GetInt64();
            Launches.Add((Generics().Replace(kernel, ""), bytes / (32.0 * counters.GetProperty("globalSectors").GetInt64()), counters.GetProperty("sharedReplays").GetInt64()));
        }

        [GeneratedRegex("<.*?>+(?=\\.|$)")]
        private static partial Regex Generics();
    }
}
