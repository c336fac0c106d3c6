namespace Handwritten.CudaEmulator.Execution;

/// <summary>
/// An mbarrier: 64 bits of shared memory that count a phase to its end. A phase ends when nothing more is to arrive, neither
/// threads nor bytes; then the next one begins by itself, with as many arrivals expected.
///
///     bit  62      61       40 … 60         20 … 39     0 … 19
///          valid   phase    transactions    expected    pending
///
/// (What the bits are is each device's own business; programs go by the instructions.)
/// </summary>
/// <param name="Phase">Changes with every phase: its number's last bit, the parity.</param>
/// <param name="Transactions">Bytes that are still to come.</param>
/// <param name="Expected">Arrivals of the phases after this one.</param>
/// <param name="Pending">Arrivals that this phase still waits for.</param>
internal readonly record struct TransactionBarrier(int Phase, int Transactions, int Expected, int Pending)
{
    /// <summary>The most arrivals, and the most transactions, that a barrier can count.</summary>
    public const int Most = (1 << 20) - 1;

    private const ulong Valid = 1ul << 62;

    /// <summary>Whether the bits are a barrier's.</summary>
    public static bool IsValid(ulong bits) => bits >> 62 == 1;

    /// <summary>A barrier from its bits.</summary>
    public static TransactionBarrier Decode(ulong bits) =>
        new((int)(bits >> 61) & 1, (int)((long)(bits << 3) >> 43), (int)(bits >> 20) & Most, (int)bits & Most);

    /// <summary>Its bits.</summary>
    public ulong Encode() =>
        Valid | (ulong)Phase << 61 | ((ulong)Transactions & (2 * Most + 1)) << 40 | (ulong)Expected << 20 | (uint)Pending;

    /// <summary>The next phase, if this one is complete.</summary>
    public TransactionBarrier Settled() => Pending == 0 && Transactions == 0 ? this with { Phase = Phase ^ 1, Pending = Expected } : this;
}
