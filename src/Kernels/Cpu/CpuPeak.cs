using System.Diagnostics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Handwritten.Kernels.Cpu;

/// <summary>
/// What this machine can do at most, measured now and by the code the kernels are made of: a share of it says more than
/// a time, and holds when the machine is shared or slow.
/// </summary>
/// <param name="Gigaflops">
/// 10^9 operations a second of fused multiply-adds from registers alone (two operations each), all threads.
/// </param>
/// <param name="GigabytesPerSecond">10^9 bytes a second of reading memory far larger than the caches, all threads.</param>
public sealed record CpuPeak(double Gigaflops, double GigabytesPerSecond)
{
    private const int Repeats = 5, Rounds = 4_000_000, Chains = 12;
    private const long BytesPerThread = 128L << 20;

    /// <summary>Measures both in about a second. The best of several runs counts: a limit is a limit.</summary>
    /// <param name="threads">Threads to use.</param>
    public static CpuPeak Measure(int threads) =>
        Vector512.IsHardwareAccelerated ? Measure<Simd512>(threads)
        : Vector256.IsHardwareAccelerated ? Measure<Simd256>(threads)
        : Measure<Simd128>(threads);

    private static unsafe CpuPeak Measure<TSimd>(int threads)
        where TSimd : unmanaged, ISimd<TSimd>
    {
        double arithmetic = Fastest(threads, _ => MultiplyAdd<TSimd>(Rounds));
        NativeBuffer[] memory = [.. Enumerable.Range(0, threads).Select(_ => new NativeBuffer(BytesPerThread))];
        try
        {
            // Pages that nothing was written to would all be one and the same page of zeros.
            Array.ForEach(memory, buffer => new Span<float>(buffer.Floats, (int)(BytesPerThread / sizeof(float))).Fill(1f));
            double reading = Fastest(threads, thread => Sum<TSimd>(memory[thread].Floats, BytesPerThread / sizeof(float)));
            return new CpuPeak(2.0 * Chains * TSimd.Width * Rounds * threads / arithmetic / 1e9, (double)BytesPerThread * threads / reading / 1e9);
        }
        finally
        {
            Array.ForEach(memory, buffer => buffer.Dispose());
        }
    }

    /// <summary>Seconds of the fastest run, from the first member's start to the last one's end.</summary>
    private static double Fastest(int threads, Func<int, float> work)
    {
        double fastest = double.PositiveInfinity;
        for (int run = 0; run < Repeats; run++)
        {
            using Barrier start = new(threads);
            long[] begins = new long[threads], ends = new long[threads];
            float[] results = new float[threads];
            Thread[] members = [.. Enumerable.Range(0, threads).Select(member => new Thread(() =>
            {
                start.SignalAndWait();
                begins[member] = Stopwatch.GetTimestamp();
                results[member] = work(member);
                ends[member] = Stopwatch.GetTimestamp();
            }))];
            Array.ForEach(members, member => member.Start());
            Array.ForEach(members, member => member.Join());
            fastest = Math.Min(fastest, Stopwatch.GetElapsedTime(begins.Min(), ends.Max()).TotalSeconds);
        }

        return fastest;
    }

    // Twelve sums that do not wait for one another hide the latency of a multiply-add on every processor of today.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static float MultiplyAdd<TSimd>(int rounds)
        where TSimd : unmanaged, ISimd<TSimd>
    {
        TSimd a = TSimd.Broadcast(0.999f), b = TSimd.Broadcast(0.001f);
        TSimd s0 = a, s1 = a, s2 = a, s3 = a, s4 = a, s5 = a, s6 = a, s7 = a, s8 = a, s9 = a, sa = a, sb = a;
        for (int i = 0; i < rounds; i++)
        {
            s0 = TSimd.MultiplyAdd(s0, a, b);
            s1 = TSimd.MultiplyAdd(s1, a, b);
            s2 = TSimd.MultiplyAdd(s2, a, b);
            s3 = TSimd.MultiplyAdd(s3, a, b);
            s4 = TSimd.MultiplyAdd(s4, a, b);
            s5 = TSimd.MultiplyAdd(s5, a, b);
            s6 = TSimd.MultiplyAdd(s6, a, b);
            s7 = TSimd.MultiplyAdd(s7, a, b);
            s8 = TSimd.MultiplyAdd(s8, a, b);
            s9 = TSimd.MultiplyAdd(s9, a, b);
            sa = TSimd.MultiplyAdd(sa, a, b);
            sb = TSimd.MultiplyAdd(sb, a, b);
        }

        return TSimd.Sum(s0 + s1 + s2 + s3 + s4 + s5 + s6 + s7 + s8 + s9 + sa + sb);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static unsafe float Sum<TSimd>(float* memory, long count)
        where TSimd : unmanaged, ISimd<TSimd>
    {
        TSimd s0 = TSimd.Broadcast(0f), s1 = s0, s2 = s0, s3 = s0;
        for (float* end = memory + count; memory < end; memory += 4 * TSimd.Width)
        {
            s0 += TSimd.Load(memory);
            s1 += TSimd.Load(memory + TSimd.Width);
            s2 += TSimd.Load(memory + (2 * TSimd.Width));
            s3 += TSimd.Load(memory + (3 * TSimd.Width));
        }

        return TSimd.Sum(s0 + s1 + (s2 + s3));
    }
}
