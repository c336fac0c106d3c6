namespace Handwritten.Load;

/// <summary>How a process's memory went while it worked.</summary>
/// <param name="WarmedUpBytes">Median of the first samples behind the warm-up.</param>
/// <param name="LastBytes">Median of as many last samples.</param>
/// <param name="PeakBytes">The largest.</param>
/// <param name="Course">All samples.</param>
internal sealed record Growth(long WarmedUpBytes, long LastBytes, long PeakBytes, IReadOnlyList<long> Course)
{
    /// <summary>Samples of a run.</summary>
    public const int Samples = 100;

    /// <summary>The first of them: code is compiled, pools fill, and what is sent lies in the buffers of sockets for a while.</summary>
    private const int WarmUp = Samples / 5;

    private const int Compared = Samples / 10;

    /// <summary>More is growth: what is less comes and goes with the garbage collector.</summary>
    private const double Allowed = 0.05;

    /// <summary>Last over first, less one.</summary>
    public double Share => ((double)LastBytes / WarmedUpBytes) - 1;

    /// <summary>What a test fails with; null if the memory is flat.</summary>
    public string? Failure => Share > Allowed ? $"The resident memory grew by {Table.Percent(Share)}." : null;

    /// <summary>Looks at samples taken at equal amounts of work.</summary>
    public static Growth Of(IReadOnlyList<long> samples)
    {
        ArgumentOutOfRangeException.ThrowIfNotEqual(samples.Count, Samples);
        return new Growth(
            (long)samples.Skip(WarmUp).Take(Compared).Select(bytes => (double)bytes).Median(),
            (long)samples.TakeLast(Compared).Select(bytes => (double)bytes).Median(),
            samples.Max(),
            samples);
    }
}
