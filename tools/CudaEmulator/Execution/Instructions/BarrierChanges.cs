namespace Handwritten.CudaEmulator.Execution;

/// <summary>What an instruction does to a <see cref="TransactionBarrier"/>.</summary>
internal interface IBarrierChange
{
    /// <summary>Changes a barrier by a count of arrivals or bytes; the end of a sentence that says why it may not, or null.</summary>
    static abstract string? Apply(ref TransactionBarrier barrier, uint count);
}

/// <summary>arrive: threads have come.</summary>
internal readonly struct Arrival : IBarrierChange
{
    public static string? Apply(ref TransactionBarrier barrier, uint count) => BarrierCounts.Arrive(ref barrier, count);
}

/// <summary>arrive.noComplete: it must not end the phase.</summary>
internal readonly struct PartialArrival : IBarrierChange
{
    public static string? Apply(ref TransactionBarrier barrier, uint count) => BarrierCounts.Arrive(ref barrier, count, 1);
}

/// <summary>arrive_drop: later phases wait for so many less.</summary>
internal readonly struct Departure : IBarrierChange
{
    public static string? Apply(ref TransactionBarrier barrier, uint count) => BarrierCounts.Drop(ref barrier, count);
}

/// <summary>arrive_drop.noComplete.</summary>
internal readonly struct PartialDeparture : IBarrierChange
{
    public static string? Apply(ref TransactionBarrier barrier, uint count) => BarrierCounts.Drop(ref barrier, count, 1);
}

/// <summary>arrive.expect_tx: one thread, and bytes to come.</summary>
internal readonly struct ExpectingArrival : IBarrierChange
{
    public static string? Apply(ref TransactionBarrier barrier, uint count) => BarrierCounts.AddTransactions(ref barrier, count) ?? BarrierCounts.Arrive(ref barrier, 1);
}

/// <summary>arrive_drop.expect_tx.</summary>
internal readonly struct ExpectingDeparture : IBarrierChange
{
    public static string? Apply(ref TransactionBarrier barrier, uint count) => BarrierCounts.AddTransactions(ref barrier, count) ?? BarrierCounts.Drop(ref barrier, 1);
}

/// <summary>expect_tx: bytes to come.</summary>
internal readonly struct Expect : IBarrierChange
{
    public static string? Apply(ref TransactionBarrier barrier, uint count) => BarrierCounts.AddTransactions(ref barrier, count);
}

/// <summary>complete_tx: bytes have come.</summary>
internal readonly struct Complete : IBarrierChange
{
    public static string? Apply(ref TransactionBarrier barrier, uint count) => BarrierCounts.AddTransactions(ref barrier, -(long)count);
}

/// <summary>What cp.async.mbarrier.arrive without .noinc begins with: the phase waits for one arrival more.</summary>
internal readonly struct OneMore : IBarrierChange
{
    public static string? Apply(ref TransactionBarrier barrier, uint count)
    {
        if (barrier.Pending == TransactionBarrier.Most)
        {
            return $"already waits for {TransactionBarrier.Most} arrivals, and cannot for one more";
        }

        barrier = barrier with { Pending = barrier.Pending + (int)count };
        return null;
    }
}

/// <summary>The counts that the changes consist of.</summary>
file static class BarrierCounts
{
    public static string? Arrive(ref TransactionBarrier barrier, uint count, int mayBeLeft = 0)
    {
        if (count == 0 || count + mayBeLeft > barrier.Pending)
        {
            return $"waits for {barrier.Pending} more arrivals in this phase, and {count} come{(mayBeLeft > 0 ? " that must not complete it" : "")}";
        }

        barrier = barrier with { Pending = barrier.Pending - (int)count };
        return null;
    }

    public static string? Drop(ref TransactionBarrier barrier, uint count, int mayBeLeft = 0)
    {
        string? wrong = Arrive(ref barrier, count, mayBeLeft);
        barrier = barrier with { Expected = Math.Max(0, barrier.Expected - (int)Math.Min(count, TransactionBarrier.Most)) };
        return wrong;
    }

    public static string? AddTransactions(ref TransactionBarrier barrier, long count)
    {
        long sum = barrier.Transactions + count;
        if (Math.Abs(sum) > TransactionBarrier.Most)
        {
            return $"would count {sum} transactions, beyond the {TransactionBarrier.Most} that it can";
        }

        barrier = barrier with { Transactions = (int)sum };
        return null;
    }
}
