using System.Diagnostics;
using System.Numerics;

namespace Handwritten.CudaEmulator.Execution;

/// <summary>%clock, %clock64 and %globaltimer: the host's clock, in nanoseconds.</summary>
internal static unsafe class Clocks
{
    /// <summary>Whether a special register is a clock.</summary>
    public static bool Knows(string name) => name is "clock" or "clock_hi" or "clock64" or "globaltimer" or "globaltimer_lo" or "globaltimer_hi";

    /// <summary>What reads it.</summary>
    public static Handler HandlerOf(string name) => name switch
    {
        "clock64" or "globaltimer" => &Read<ulong>,
        "clock_hi" or "globaltimer_hi" => &ReadHigh,
        _ => &Read<uint>,
    };

    private static ulong Now => (ulong)(Stopwatch.GetTimestamp() * (1e9 / Stopwatch.Frequency));

    private static Op* Read<T>(Op* op, byte* f, Warp w, uint mask)
        where T : unmanaged, System.Numerics.IBinaryInteger<T> => Fill(op, f, mask, T.CreateTruncating(Now));

    private static Op* ReadHigh(Op* op, byte* f, Warp w, uint mask) => Fill(op, f, mask, (uint)(Now >> 32));

    private static Op* Fill<T>(Op* op, byte* f, uint mask, T value)
        where T : unmanaged
    {
        for (uint rest = mask; rest != 0; rest &= rest - 1)
        {
            Lanes.Write(f + op->D, BitOperations.TrailingZeroCount(rest), value);
        }

        return op + 1;
    }
}
