using ILGPU;
using ILGPU.Algorithms;
using ILGPU.Algorithms.ScanReduceOperations;
using ILGPU.Runtime;
using ILGPU.Runtime.Cuda;
using Half = ILGPU.Half;

namespace Handwritten.CudaEmulator.Tests.Ptx;

/// <summary>A method of <see cref="Kernels"/> that is one.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class KernelAttribute : Attribute;

/// <summary>Kernels whose PTX, between them, shows what ILGPU emits: every type, space, control flow and inline assembly.</summary>
internal static class Kernels
{
    [Kernel]
    private static void Fill(Index1D i, ArrayView<int> a, int value) => a[i] = value;

    [Kernel]
    private static void AddVectors(Index1D i, ArrayView<float> a, ArrayView<float> b, ArrayView<float> c) => c[i] = a[i] + b[i];

    [Kernel]
    private static void Bytes(Index1D i, ArrayView<byte> a, ArrayView<sbyte> b, ArrayView<bool> c) =>
        c[i] = (byte)(a[i] + 200) > 100 && (sbyte)(b[i] * 3) < 0;

    [Kernel]
    private static void Shorts(Index1D i, ArrayView<short> a, ArrayView<ushort> b) => b[i] = (ushort)((a[i] >> 3) ^ (b[i] / 7));

    [Kernel]
    private static void Longs(Index1D i, ArrayView<long> a, ArrayView<ulong> b) =>
        a[i] = (a[i] % 1000) + (long)((b[i] << (i & 63)) / 3) - long.MinValue;

    [Kernel]
    private static void Doubles(Index1D i, ArrayView<double> a) =>
        a[i] = Math.Sqrt(Math.Abs(a[i])) / 3.0 + Math.Floor(a[i]) * double.Epsilon - Math.Max(a[i], double.PositiveInfinity);

    [Kernel]
    private static void Conversions(Index1D i, ArrayView<float> f, ArrayView<double> d, ArrayView<int> n, ArrayView<ulong> u)
    {
        n[i] = (int)f[i] + (int)(uint)d[i] + (sbyte)n[i] + (ushort)n[i];
        u[i] = (ulong)d[i] + (ulong)f[i];
        f[i] = u[i] + (float)d[i] + n[i];
        d[i] = n[i] + f[i] + (double)(long)u[i];
    }

    [Kernel]
    private static void Halves(Index1D i, ArrayView<Half> a, ArrayView<Half> b) => b[i] = a[i] * b[i] + (Half)1.5f - Half.Zero;

    [Kernel]
    private static void HalfCompares(Index1D i, ArrayView<Half> a, ArrayView<float> b) => b[i] = a[i] > (Half)0f ? (float)a[i] : b[i];

    [Kernel]
    private static void MathFunctions(Index1D i, ArrayView<float> a) =>
        a[i] = XMath.Exp(a[i]) + XMath.Log(a[i]) * XMath.Sin(a[i]) - XMath.Cos(a[i]) + XMath.Tanh(a[i]) * XMath.Pow(a[i], 2.5f)
            + XMath.Rsqrt(a[i]) + XMath.Rcp(a[i]) + XMath.Clamp(a[i], -1f, 1f);

    [Kernel]
    private static void BitOperations(Index1D i, ArrayView<uint> a) =>
        a[i] = (uint)(IntrinsicMath.PopCount(a[i]) + IntrinsicMath.LeadingZeroCount(a[i]) + IntrinsicMath.TrailingZeroCount(a[i]))
            ^ (a[i] << 5 | a[i] >> 27) & ~a[i];

    [Kernel]
    private static void NestedIfs(Index1D i, ArrayView<int> a)
    {
        if (i > 4)
        {
            if (a[i] > 7)
            {
                a[i] = 1;
            }
            else if (a[i] > 3)
            {
                return;
            }

            a[i] += 3;
        }

        a[i] *= 2;
    }

    [Kernel]
    private static void Loops(Index1D i, ArrayView<int> a, int count)
    {
        int sum = 0;
        for (int j = 0; j < count; j++)
        {
            if (a[j] == 13)
            {
                break;
            }

            if ((a[j] & 1) == 0)
            {
                continue;
            }

            for (int k = j; k > 0; k >>= 1)
            {
                sum += a[k] * j;
            }
        }

        do
        {
            sum -= 3;
        }
        while (sum > 100);
        a[i] = sum;
    }

    [Kernel]
    private static void Switch(Index1D i, ArrayView<int> a) => a[i] = a[i] switch
    {
        0 => i,
        1 => i * 7,
        2 => i + 100,
        3 => a[i + 1],
        4 => a[i + 2] * 2,
        5 => 0,
        _ => -1,
    };

    [System.Runtime.CompilerServices.MethodImpl(System.Runtime.CompilerServices.MethodImplOptions.NoInlining)]
    private static int Collatz(int n)
    {
        int steps = 0;
        while (n > 1)
        {
            n = (n & 1) == 0 ? n / 2 : 3 * n + 1;
            steps++;
        }

        return steps;
    }

    [System.Runtime.CompilerServices.MethodImpl(System.Runtime.CompilerServices.MethodImplOptions.NoInlining)]
    private static (float Low, float High) Order(float a, float b) => a < b ? (a, b) : (b, a);

    [Kernel]
    private static void Calls(Index1D i, ArrayView<int> a, ArrayView<float> b)
    {
        a[i] = Collatz(a[i]) + Collatz(i);
        (float low, float high) = Order(b[i], b[i + 1]);
        b[i] = low;
        b[i + 1] = high;
    }

    internal record struct Particle(float X, float Y, float Z, double Mass, byte Kind);

    internal record struct Pair<TFirst, TSecond>(TFirst First, TSecond Second)
        where TFirst : unmanaged
        where TSecond : unmanaged;

    [Kernel]
    private static void Structs(Index1D i, ArrayView<Particle> particles, Particle one, Pair<byte, Pair<long, short>> pair)
    {
        Particle p = particles[i];
        p.X += one.Y * (float)p.Mass;
        p.Kind += pair.First;
        p.Mass -= pair.Second.First + pair.Second.Second;
        particles[i] = p;
    }

    internal record struct Vec4(float X, float Y, float Z, float W);

    [Kernel]
    private static void Vectors(Index1D i, ArrayView<Vec4> a, ArrayView<Vec4> b)
    {
        Vec4 v = a[i];
        v.X += v.W;
        v.Y *= v.Z;
        b[i] = v;
    }

    [Kernel]
    private static void TwoDimensions(Index2D i, ArrayView2D<float, Stride2D.DenseX> a, ArrayView2D<float, Stride2D.DenseY> b) => b[i] = a[i.Y, i.X];

    [Kernel]
    private static void ThreeDimensions(Index3D i, ArrayView3D<int, Stride3D.DenseXY> a) => a[i] = i.X + i.Y * i.Z;

    [Kernel]
    private static void Explicit(ArrayView<int> a)
    {
        int i = Grid.GlobalLinearIndex;
        a[i] = Group.IdxX + Grid.IdxY * Group.DimZ + Warp.LaneIdx + Warp.WarpIdx + Grid.DimX;
    }

    [Kernel]
    private static void SharedReverse(ArrayView<int> a)
    {
        ArrayView<int> shared = SharedMemory.Allocate<int>(256);
        shared[Group.IdxX] = a[Grid.GlobalIndex.X];
        Group.Barrier();
        a[Grid.GlobalIndex.X] = shared[Group.DimX - 1 - Group.IdxX];
    }

    [Kernel]
    private static void DynamicShared(ArrayView<double> a)
    {
        ArrayView<double> shared = SharedMemory.GetDynamic<double>();
        shared[Group.IdxX] = a[Grid.GlobalIndex.X];
        Group.Barrier();
        if (Group.IsFirstThread)
        {
            a[Grid.IdxX] = shared[1] + shared.Length;
        }
    }

    [Kernel]
    private static void TiledMatMul(ArrayView<float> a, ArrayView<float> b, ArrayView<float> c, int n)
    {
        ArrayView2D<float, Stride2D.DenseX> tileA = SharedMemory.Allocate2D<float, Stride2D.DenseX>(new Index2D(16, 16), new Stride2D.DenseX(16));
        ArrayView2D<float, Stride2D.DenseX> tileB = SharedMemory.Allocate2D<float, Stride2D.DenseX>(new Index2D(16, 16), new Stride2D.DenseX(16));
        int x = Group.IdxX;
        int y = Group.IdxY;
        int row = Grid.IdxY * 16 + y;
        int column = Grid.IdxX * 16 + x;
        float sum = 0;
        for (int k = 0; k < n; k += 16)
        {
            tileA[x, y] = a[row * n + k + x];
            tileB[x, y] = b[(k + y) * n + column];
            Group.Barrier();
            for (int j = 0; j < 16; j++)
            {
                sum += tileA[j, y] * tileB[x, j];
            }

            Group.Barrier();
        }

        c[row * n + column] = sum;
    }

    [Kernel]
    private static void LocalArrays(Index1D i, ArrayView<int> a)
    {
        ArrayView<int> local = LocalMemory.Allocate<int>(8);
        for (int j = 0; j < 8; j++)
        {
            local[j] = a[i + j];
        }

        a[i] = local[a[i] & 7];
    }

    [Kernel]
    private static void IntegerAtomics(Index1D i, ArrayView<int> a, ArrayView<uint> b, ArrayView<long> c)
    {
        Atomic.Add(ref a[0], i);
        a[i + 8] = Atomic.Max(ref a[1], i);
        Atomic.Min(ref b[0], (uint)i.X);
        Atomic.Or(ref b[1], 1u << i);
        Atomic.Xor(ref c[0], i);
        Atomic.And(ref c[1], ~(long)i.X);
        b[i + 8] = Atomic.Exchange(ref b[2], b[i]);
        c[i + 8] = Atomic.CompareExchange(ref c[2], 0, i);
    }

    [Kernel]
    private static void FloatAtomics(Index1D i, ArrayView<float> a, ArrayView<double> b)
    {
        Atomic.Add(ref a[0], a[i + 1]);
        b[i + 1] = Atomic.Add(ref b[0], a[i + 1]);
        Atomic.Max(ref a[0], 1f);
    }

    [Kernel]
    private static void Shuffles(ArrayView<float> a, ArrayView<long> b, ArrayView<int> c)
    {
        int i = Grid.GlobalIndex.X;
        a[i] = Warp.ShuffleXor(a[i], 5) + Warp.ShuffleDown(a[i], 1) - Warp.ShuffleUp(a[i], 2);
        b[i] = Warp.Shuffle(b[i], 3);
        c[i] = Warp.Broadcast(c[i], 0) + Warp.ShuffleXor(c[i], 1, 8);
        Warp.Barrier();
    }

    [Kernel]
    private static void BarrierReductions(ArrayView<int> a)
    {
        int i = Grid.GlobalIndex.X;
        a[i] = Group.BarrierPopCount(a[i] > 0) + (Group.BarrierAnd(a[i] > 1) ? 1 : 0) + (Group.BarrierOr(a[i] > 2) ? 2 : 0);
        MemoryFence.GroupLevel();
        MemoryFence.DeviceLevel();
        MemoryFence.SystemLevel();
    }

    [Kernel]
    private static void GroupReduction(ArrayView<float> a, ArrayView<float> sums)
    {
        float sum = GroupExtensions.Reduce<float, AddFloat>(a[Grid.GlobalIndex.X]);
        if (Group.IsFirstThread)
        {
            sums[Grid.IdxX] = sum;
        }
    }

    [Kernel]
    private static void WarpReduction(ArrayView<int> a) => a[Grid.GlobalIndex.X] =
        WarpExtensions.AllReduce<int, MaxInt32>(a[Grid.GlobalIndex.X]) + WarpExtensions.InclusiveScan<int, AddInt32>(a[Grid.GlobalIndex.X]);

    [Kernel]
    private static void GroupScan(ArrayView<int> a) =>
        a[Grid.GlobalIndex.X] = GroupExtensions.ExclusiveScan<int, AddInt32>(a[Grid.GlobalIndex.X]);

    [Kernel]
    private static void InlineArithmetic(Index1D i, ArrayView<int> a, ArrayView<float> b)
    {
        CudaAsm.Emit("prmt.b32 %0, %1, %2, 0x3210;", out int permuted, a[i], a[i + 1]);
        CudaAsm.Emit("{ .reg .f32 t<2>; ex2.approx.ftz.f32 t0, %1; add.rn.f32 t1, t0, 0f3F800000; rcp.approx.f32 %0, t1; }", out float result, b[i]);
        a[i] = permuted;
        b[i] = result;
    }

    [Kernel]
    private static void InlineTensorCore(ArrayView<int> a, ArrayView<float> c)
    {
        ArrayView<int> shared = SharedMemory.Allocate<int>(512);
        int lane = Warp.LaneIdx;
        int offset = lane * 16;
        Input<int> address = offset;
        Ref<int> a0 = default, a1 = default, a2 = default, a3 = default;
        shared[lane] = a[lane];
        Group.Barrier();
        CudaAsm.EmitRef("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0, %1, %2, %3}, [%4];", ref a0, ref a1, ref a2, ref a3, ref address);
        Input<int> b0 = a[lane], b1 = a[lane + 32];
        Ref<float> c0 = c[lane], c1 = c[lane + 32], c2 = 0f, c3 = 0f;
        Input<int> i0 = a0.Value, i1 = a1.Value, i2 = a2.Value, i3 = a3.Value;
        CudaAsm.EmitRef(
            "mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};",
            ref c0, ref c1, ref c2, ref c3, ref i0, ref i1, ref i2, ref i3, ref b0, ref b1);
        c[lane] = c0.Value + c1.Value;
        c[lane + 32] = c2.Value * c3.Value;
    }

    [Kernel]
    private static unsafe void InlineAsyncCopy(ArrayView<Vec4> a, ArrayView<Vec4> b)
    {
        ArrayView<Vec4> shared = SharedMemory.Allocate<Vec4>(128);
        int i = Group.IdxX;
        fixed (Vec4* source = &a[Grid.GlobalIndex.X])
        {
            CudaAsm.Emit("cp.async.cg.shared.global [%0], [%1], 16, %2;", i * 16, (nint)source, i < 100 ? 16 : 0);
        }

        CudaAsm.Emit("cp.async.commit_group;");
        CudaAsm.Emit("cp.async.wait_group 0;");
        Group.Barrier();
        b[Grid.GlobalIndex.X] = shared[127 - i];
    }

    [Kernel]
    private static void SpecialRegister(Index1D i, ArrayView<long> a)
    {
        CudaAsm.Emit("mov.u64 %0, %%globaltimer;", out long time);
        CudaAsm.Emit("mov.u32 %0, %%smid;", out int multiprocessor);
        a[i] = time + multiprocessor;
    }

    [Kernel]
    private static void Assertions(Index1D i, ArrayView<int> a)
    {
        System.Diagnostics.Debug.Assert(a[i] > 0, "positive");
        a[i] = 1;
    }

    [Kernel]
    private static void Printing(Index1D i, ArrayView<int> a) => Interop.WriteLine("{0}: {1} of {2}", i.X, a[i], 1.5f);
}
