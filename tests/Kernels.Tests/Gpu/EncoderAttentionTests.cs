using Handwritten.Kernels.Gpu;
using Handwritten.Kernels.Gpu.Compilation;
using Handwritten.Kernels.Tests.Gpu.Compilation;
using Xunit;

namespace Handwritten.Kernels.Tests.Gpu;

[Collection(nameof(GpuTests))]
public sealed class EncoderAttentionTests(GpuFixture gpu)
{
    private const int HeadSize = 64;
    private const string Kernel = nameof(EncoderAttentionSingle<PlainCopy>.EncoderAttentionKernel);

    /// <summary>Windows, frames and heads: around the sizes of the tiles of keys and of queries, and Whisper's own.</summary>
    private static readonly (int Batch, int Frames, int Heads)[] Shapes =
        [(3, 1, 2), (1, 17, 6), (3, 64, 1), (1, 65, 2), (3, 150, 2), (1, 256, 1), (1, 1500, 1)];

    public static TheoryData<string, ComputeType, int, int, int> AllShapes
    {
        get
        {
            TheoryData<string, ComputeType, int, int, int> data = [];
            foreach (object[] device in GpuFixture.All)
            {
                foreach ((int batch, int frames, int heads) in Shapes)
                {
                    data.Add((string)device[0], (ComputeType)device[1], batch, frames, heads);
                }
            }

            return data;
        }
    }

    [Theory]
    [MemberData(nameof(AllShapes))]
    public void Every_frame_attends_to_every_frame(string device, ComputeType type, int batch, int frames, int heads)
    {
        // Large queries make sharp softmaxes, where a wrong exponential would show.
        float[] x = Array.ConvertAll(Make.Values(frames, batch, frames, 3 * heads * HeadSize), v => v * 3);
        Check(gpu.Open(device, type), type, x, batch, frames, heads);
    }

    [Theory]
    [MemberData(nameof(GpuFixture.All), MemberType = typeof(GpuFixture))]
    public void Scores_of_any_size_neither_overflow_nor_vanish(string device, ComputeType type)
    {
        const int frames = 150;
        float[] x = Make.Values(1, 1, frames, 3 * HeadSize);
        for (int i = 0; i < x.Length; i++)
        {
            x[i] *= i / HeadSize % 3 < 2 ? 300 : 1; // scores of some hundred thousand, of both signs
        }

        Check(gpu.Open(device, type), type, x, 1, frames, 1);
    }

    // Were one of the rows that fill up the last tile taken for a key with a score of 0, it would outweigh all others.
    [Theory]
    [MemberData(nameof(GpuFixture.All), MemberType = typeof(GpuFixture))]
    public void Where_all_scores_are_low_nothing_outside_counts(string device, ComputeType type)
    {
        const int frames = 70;
        float[] x = Make.Values(1, 1, frames, 3 * HeadSize);
        for (int i = 0; i < x.Length; i++)
        {
            x[i] = (i / HeadSize % 3) switch { 0 => -100 + x[i], 1 => 100, _ => x[i] };
        }

        Check(gpu.Open(device, type), type, x, 1, frames, 1);
    }

    [Theory]
    [MemberData(nameof(GpuFixture.All), MemberType = typeof(GpuFixture))]
    public void Results_repeat_bit_by_bit_alone_or_with_others(string device, ComputeType type)
    {
        const int frames = 130, heads = 2, width = heads * HeadSize;
        IKernels kernels = gpu.Open(device, type);
        float[] x = Make.Values(7, 3, frames, 3 * width);
        float[] together = Run(kernels, x, 3, frames, heads);
        Assert.Equal(together, Run(kernels, x, 3, frames, heads));
        Assert.Equal(together[(2 * frames * width)..], Run(kernels, x[(2 * frames * 3 * width)..], 1, frames, heads));
    }

    [Fact]
    public void Heads_that_are_not_64_wide_are_refused()
    {
        IKernels kernels = gpu.Open("h200", ComputeType.Float16);
        using Tensor x = kernels.Allocate(1, 4, 3 * 128), y = kernels.Allocate(1, 4, 128);
        ArgumentException refusal = Assert.Throws<ArgumentException>(() => kernels.Attention(1, x, 4, y));
        Assert.StartsWith("The CUDA back end attends in heads of 64; these are 32 wide.", refusal.Message, StringComparison.Ordinal);
    }

    [CountersTheory]
    [MemberData(nameof(GpuFixture.All), MemberType = typeof(GpuFixture))]
    public void Memory_is_read_in_whole_sectors_without_bank_conflicts_and_hardly_more_than_the_tiles_need(string device, ComputeType type)
    {
        const int frames = 500;
        IKernels kernels = gpu.Open(device, type);
        float[] x = Make.Values(1, 1, frames, 3 * HeadSize);
        LaunchCounters counters = LaunchCounters.Of(Kernel, () => Run(kernels, x, 1, frames, 1));

        int row = HeadSize * (type == ComputeType.Float32 ? 4 : 2);
        int queries = type == ComputeType.Float32 ? EncoderAttentionSingle<PlainCopy>.Queries : EncoderAttentionTensor<TuringFloat16, PlainCopy>.Queries;
        long least = 2L * frames * row + (long)((frames + queries - 1) / queries) * 2 * frames * row;
        Assert.Equal(1, counters["launches"]);
        Assert.InRange(counters["globalBytesRead"] + counters["globalBytesWritten"], least, 1.05 * least);
        Assert.Equal(4L * frames * row, counters["globalUniqueBytes"]);
        Assert.InRange(counters.Coalescing, 0.999, 1.02); // above 1 where keys that fill up the last tile are read from one sector
        Assert.Equal((0, 0, 0), (counters["sharedReplays"], counters["localBytesRead"], counters["localBytesWritten"]));
    }

    [PtxasTheory]
    [InlineData(75, ComputeType.Float32, 256, 0, 0)]
    [InlineData(80, ComputeType.Float32, 256, 0, 0)]
    [InlineData(90, ComputeType.Float32, 256, 0, 0)]
    [InlineData(75, ComputeType.Float16, 0, 2 * 136, 40)]
    [InlineData(80, ComputeType.Float16, 0, 136, 40)]
    [InlineData(86, ComputeType.Float16, 0, 136, 40)]
    [InlineData(89, ComputeType.Float16, 0, 136, 40)]
    [InlineData(90, ComputeType.Float16, 0, 136, 40)]
    [InlineData(80, ComputeType.BFloat16, 0, 136, 40)]
    [InlineData(90, ComputeType.BFloat16, 0, 136, 40)]
    public void Tiles_stay_in_registers(int architecture, ComputeType type, int multiplyAdds, int products, int tileLoads)
    {
        Delegate kernel = (type, architecture) switch
        {
            (ComputeType.Float32, 75) => EncoderAttentionSingle<PlainCopy>.EncoderAttentionKernel,
            (ComputeType.Float32, _) => EncoderAttentionSingle<AsynchronousCopy>.EncoderAttentionKernel,
            (ComputeType.Float16, 75) => EncoderAttentionTensor<TuringFloat16, PlainCopy>.EncoderAttentionKernel,
            (ComputeType.Float16, _) => EncoderAttentionTensor<AmpereFloat16, AsynchronousCopy>.EncoderAttentionKernel,
            _ => EncoderAttentionTensor<AmpereBFloat16, AsynchronousCopy>.EncoderAttentionKernel,
        };
        using KernelCompiler compiler = new(KernelTarget.For(architecture));
        MachineCode code = MachineCode.Of(compiler.Compile(new KernelRequest(kernel.Method, EncoderAttentionSingle<PlainCopy>.Threads, 0, 0, 0)).Ptx, architecture);

        Assert.Equal((0, 0), (code.StackBytes, code.SpillBytes));
        Assert.Equal((products, tileLoads), (code.Count("HMMA"), code.Count("LDSM")));
        Assert.InRange(code.Count("FFMA"), multiplyAdds, multiplyAdds + 64); // and one for each score
        Assert.InRange(code.Registers, 1, type == ComputeType.Float32 ? 168 : 248); // three blocks on a multiprocessor, and two
        Assert.Equal(architecture == 75, code.Count("LDGSTS") == 0);
        Assert.Equal(8, code.Count("STG", "128"));
    }

    private static float[] Run(IKernels kernels, float[] x, int batch, int frames, int heads)
    {
        int width = heads * HeadSize;
        using Tensor input = Make.Device(kernels, x, batch, frames, 3 * width), y = kernels.Allocate(batch, frames, width);
        kernels.Attention(batch, input, heads, y);
        return Make.Read(kernels, y, batch * frames * width);
    }

    /// <summary>Compares with the definition: all queries, or of many frames every 13th.</summary>
    private static void Check(IKernels kernels, ComputeType type, float[] x, int batch, int frames, int heads)
    {
        int width = heads * HeadSize;
        float[] actual = Run(kernels, x, batch, frames, heads);
        double[] exact = Rounded(kernels, x);
        List<double> expected = [];
        List<float> compared = [];
        for (int query = 0; query < batch * frames; query += frames > 300 ? 13 : 1)
        {
            for (int head = 0; head < heads; head++)
            {
                int window = query / frames * frames * 3 * width, column = head * HeadSize;
                expected.AddRange(Reference.Attend(
                    exact.AsSpan((query * 3 * width) + column, HeadSize),
                    (key, i) => exact[window + (((key * 3) + 1) * width) + column + i],
                    (key, i) => exact[window + (((key * 3) + 2) * width) + column + i],
                    frames,
                    HeadSize));
                compared.AddRange(actual.AsSpan((query * width) + column, HeadSize));
            }
        }

        Assert.InRange(Reference.Distance([.. expected], [.. compared]), 0, Tolerance.Of(type, [.. expected]));
    }

    /// <summary>The numbers as the compute type holds them.</summary>
    private static double[] Rounded(IKernels kernels, float[] x)
    {
        using Tensor tensor = Make.Device(kernels, x, x.Length);
        return Reference.Double(Make.Read(kernels, tensor, x.Length));
    }
}
