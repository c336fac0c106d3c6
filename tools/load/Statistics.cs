namespace Handwritten.Load;

/// <summary>Numbers that many measurements come down to.</summary>
internal static class Statistics
{
    /// <summary>The smallest value that at least this share of the values does not exceed (nearest rank).</summary>
    public static double Percentile(this IEnumerable<double> values, double share)
    {
        double[] sorted = [.. values.Order()];
        return sorted[Math.Max(0, (int)Math.Ceiling(share * sorted.Length) - 1)];
    }

    /// <summary>Half of the values are not larger.</summary>
    public static double Median(this IEnumerable<double> values) => values.Percentile(0.5);
}
