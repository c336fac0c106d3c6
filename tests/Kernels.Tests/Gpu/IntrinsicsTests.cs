using Handwritten.Kernels.Gpu;
using Handwritten.Tests;
using ILGPU;
using ILGPU.Runtime;
using Xunit;

namespace Handwritten.Kernels.Tests.Gpu;

/// <summary>Every intrinsic against plain arithmetic, a warp at a time.</summary>
[Collection(nameof(GpuTests))]
public sealed class IntrinsicsTests : IDisposable
{
    private const int Lanes = 32;

    private readonly List<IDisposable> _opened = [];

    public IntrinsicsTests(GpuFixture gpu) => _ = gpu; // loads the driver

    public void Dispose()
    {
        foreach (IDisposable one in Enumerable.Reverse(_opened))
        {
            one.Dispose();
        }
    }

    [Theory]
    [InlineData("h200", ComputeType.Float16)]
    [InlineData("h200", ComputeType.BFloat16)]
    [InlineData("a100", ComputeType.BFloat16)]
    [InlineData("t4", ComputeType.Float16)]
    public void Tiles_are_multiplied_whichever_way_the_second_is_stored(string device, ComputeType type)
    {
        float[] a = Make.Values(1, 16, 16), b = Make.Values(2, 16, 16), c = Make.Values(3, 16, 16); // b: [n, k]
        float[] transposed = [.. Enumerable.Range(0, 256).Select(i => b[(i % 16 * 16) + (i / 16)])];
        float[] input = [.. a, .. b, .. transposed, .. c];
        float[] expected = [.. c];
        for (int i = 0; i < 256; i++)
        {
            expected[i] += Enumerable.Range(0, 16).Sum(k => Rounded(type, a[(i / 16 * 16) + k]) * Rounded(type, b[(i % 16 * 16) + k]));
        }

        Action<AcceleratorStream, KernelConfig, ArrayView<Bits128>, ArrayView<float>> launch = (device, type) switch
        {
            ("t4", _) => Load(device, MultiplyTiles<TuringFloat16, PlainCopy>),
            (_, ComputeType.Float16) => Load(device, MultiplyTiles<AmpereFloat16, AsynchronousCopy>),
            _ => Load(device, MultiplyTiles<AmpereBFloat16, AsynchronousCopy>),
        };
        float[] y = Run(device, launch, input, 2 * 256);
        AssertClose(expected, y[..256], 1e-6);
        AssertClose(expected, y[256..], 1e-6);
    }

    [Theory]
    [InlineData("h200")]
    [InlineData("t4")]
    public void Copies_fill_up_with_zeros(string device)
    {
        float[] input = Make.Values(4, Lanes * 4);
        float[] y = Run(device, device == "t4" ? Load(device, CopyLess<PlainCopy>) : Load(device, CopyLess<AsynchronousCopy>), input, Lanes * 4, dynamic: Lanes);
        float[] expected = [.. input.Select((value, i) => i / 4 % 2 == 0 ? 0 : value)];
        Assert.Equal(expected, y);
    }

    [Theory]
    [InlineData("h200")]
    [InlineData("t4")]
    public void Warps_reduce_to_every_lane(string device)
    {
        float[] input = Make.Values(5, Lanes * 4);
        float[] y = Run(device, Load(device, Reduce), input, Lanes * 4);
        float[] first = [.. Enumerable.Range(0, Lanes).Select(lane => input[4 * lane])];
        for (int lane = 0; lane < Lanes; lane++)
        {
            float[] four = first[(lane / 4 * 4)..((lane / 4 * 4) + 4)];
            AssertClose([first.Sum(), first.Max(), four.Sum(), four.Max()], y[(4 * lane)..((4 * lane) + 4)], 1e-6);
            Assert.Equal(y[0], y[4 * lane]); // the same bits
        }
    }

    [Theory]
    [InlineData("h200")]
    [InlineData("t4")]
    public void Approximations_are_close(string device)
    {
        float[] input = [.. Make.Values(6, Lanes * 4).Select(value => 20 * value)];
        float[] y = Run(device, Load(device, Approximations), input, Lanes * 4);
        for (int lane = 0; lane < Lanes; lane++)
        {
            float x = input[4 * lane];
            AssertClose([1, MathF.Log2(MathF.Abs(x)), 1], [y[4 * lane] / MathF.Pow(2, x), y[(4 * lane) + 1], y[(4 * lane) + 2] * x], 1e-6);
        }

        Assert.All(Enumerable.Range(0, Lanes), lane => Assert.Equal(0, y[(4 * lane) + 3])); // 2^-inf
    }

    /// <summary>y = two tiles 16 x 16: c + a bT with b loaded from [n, k], and from [k, n].</summary>
    private static void MultiplyTiles<TTensorCore, TCopy>(ArrayView<Bits128> x, ArrayView<float> y)
        where TTensorCore : struct, ITensorCore
        where TCopy : struct, ISharedCopy
    {
        // The first 96 eights become elements in the first part of the shared memory; then a, b and bT come back to it as tiles.
        int lane = Warp.LaneIdx;
        ArrayView<Bits128> tiles = SharedMemory.Allocate<Bits128>(96);
        ArrayView<Bits128> elements = y.SubView(0, 4 * 96).Cast<Bits128>();
        for (int i = lane; i < 96; i += Lanes)
        {
            Eight eight = Float32.Load(x, i);
            elements[i] = new Bits128(
                TTensorCore.Pack(eight.X0, eight.X1), TTensorCore.Pack(eight.X2, eight.X3),
                TTensorCore.Pack(eight.X4, eight.X5), TTensorCore.Pack(eight.X6, eight.X7));
        }

        Group.Barrier();
        int shared = SharedAddress.Of(tiles);
        for (int i = lane; i < 96; i += Lanes)
        {
            TCopy.Copy(shared + (16 * i), elements, i, 16);
            TCopy.Commit();
        }

        TCopy.WaitForAll();
        Group.Barrier();

        FragmentA a = default;
        FragmentB left = default, right = default;
        MatrixLoad.Load(ref a, shared + (lane % 16 * 32) + (lane / 16 * 16));

        // k along the rows: tile t of a fragment is at k = 8 t.
        MatrixLoad.Load(ref left, ref right, shared + 512 + (lane % 8 * 32) + (lane / 8 % 2 * 16) + (lane / 16 * 256));
        Accumulator c0 = Read(x, 0), c1 = Read(x, 8);
        TTensorCore.MultiplyAdd(ref c0, ref a, ref left);
        TTensorCore.MultiplyAdd(ref c1, ref a, ref right);
        Write(y, 0, ref c0);
        Write(y, 8, ref c1);

        // n along the rows.
        MatrixLoad.LoadTransposed(ref left, ref right, shared + 1024 + (lane % 16 * 32) + (lane / 16 * 16));
        c0 = Read(x, 0);
        c1 = Read(x, 8);
        TTensorCore.MultiplyAdd(ref c0, ref a, ref left);
        TTensorCore.MultiplyAdd(ref c1, ref a, ref right);
        Write(y, 256, ref c0);
        Write(y, 256 + 8, ref c1);
    }

    private static Accumulator Read(ArrayView<Bits128> x, int column)
    {
        int at = 768 + (Warp.LaneIdx / 4 * 16) + column + (Warp.LaneIdx % 4 * 2);
        Accumulator c = default;
        c.X0.Value = Float32.LoadOne(x, at);
        c.X1.Value = Float32.LoadOne(x, at + 1);
        c.X2.Value = Float32.LoadOne(x, at + 128);
        c.X3.Value = Float32.LoadOne(x, at + 129);
        return c;
    }

    private static void Write(ArrayView<float> y, int first, ref Accumulator c)
    {
        int at = first + (Warp.LaneIdx / 4 * 16) + (Warp.LaneIdx % 4 * 2);
        y[at] = c.X0.Value;
        y[at + 1] = c.X1.Value;
        y[at + 128] = c.X2.Value;
        y[at + 129] = c.X3.Value;
    }

    /// <summary>Every other lane copies nothing, through dynamic shared memory.</summary>
    private static void CopyLess<TCopy>(ArrayView<Bits128> x, ArrayView<float> y)
        where TCopy : struct, ISharedCopy
    {
        ArrayView<Bits128> tile = SharedMemory.GetDynamic<Bits128>();
        int shared = SharedAddress.Of(tile) + (16 * Warp.LaneIdx);
        TCopy.Copy(shared, x, Warp.LaneIdx, 16 * (Warp.LaneIdx % 2));
        TCopy.Commit();
        TCopy.WaitForAll();
        Group.Barrier();
        y.Cast<Bits128>()[Warp.LaneIdx] = tile[Warp.LaneIdx];
    }

    private static void Reduce(ArrayView<Bits128> x, ArrayView<float> y)
    {
        float value = Float32.LoadOne(x, 4 * Warp.LaneIdx);
        y[4 * Warp.LaneIdx] = WarpReduction.Sum(value);
        y[(4 * Warp.LaneIdx) + 1] = WarpReduction.Max(value);
        y[(4 * Warp.LaneIdx) + 2] = WarpReduction.SumOfFour(value);
        y[(4 * Warp.LaneIdx) + 3] = WarpReduction.MaxOfFour(value);
    }

    private static void Approximations(ArrayView<Bits128> x, ArrayView<float> y)
    {
        float value = Float32.LoadOne(x, 4 * Warp.LaneIdx);
        y[4 * Warp.LaneIdx] = Approximate.Exp2(value);
        y[(4 * Warp.LaneIdx) + 1] = Approximate.Log2(MathF.Abs(value));
        y[(4 * Warp.LaneIdx) + 2] = Approximate.Reciprocal(value);
        y[(4 * Warp.LaneIdx) + 3] = Approximate.Exp2(float.NegativeInfinity);
    }

    private static float Rounded(ComputeType type, float value) => type == ComputeType.Float16
        ? (float)(System.Half)value
        : BitConverter.UInt32BitsToSingle((BitConverter.SingleToUInt32Bits(value) + 0x7FFF + ((BitConverter.SingleToUInt32Bits(value) >> 16) & 1)) & 0xFFFF0000);

    private static void AssertClose(float[] expected, float[] actual, double tolerance)
    {
        Assert.Equal(expected.Length, actual.Length);
        Assert.All(expected.Zip(actual), pair => Assert.InRange(pair.Second, pair.First - tolerance * 4, pair.First + tolerance * 4));
    }

    private GpuDevice Open(string device)
    {
        if (_opened.OfType<GpuDevice>().FirstOrDefault() is { } open)
        {
            return open;
        }

        GpuDevice opened = new(Math.Max(0, EmulatedDriver.Devices.ToList().IndexOf(device))); // a real GPU stands for each of them
        _opened.Add(opened);
        return opened;
    }

    private Action<AcceleratorStream, KernelConfig, ArrayView<Bits128>, ArrayView<float>> Load(string device, Action<ArrayView<Bits128>, ArrayView<float>> kernel) =>
        Open(device).Kernels.Load<Action<AcceleratorStream, KernelConfig, ArrayView<Bits128>, ArrayView<float>>>(kernel, Lanes);

    private float[] Run(string name, Action<AcceleratorStream, KernelConfig, ArrayView<Bits128>, ArrayView<float>> launch, float[] input, int outputs, int dynamic = 0)
    {
        GpuDevice device = Open(name);
        using MemoryBuffer1D<float, Stride1D.Dense> x = device.Accelerator.Allocate1D(input), y = device.Accelerator.Allocate1D<float>(outputs);
        launch(device.Stream, new KernelConfig(1, Lanes, dynamic == 0 ? default : SharedMemoryConfig.RequestDynamic<Bits128>(dynamic)), x.View.AsContiguous().Cast<Bits128>(), y.View.AsContiguous());
        device.Stream.Synchronize();
        return y.GetAsArray1D();
    }
}
