using System.Globalization;

namespace Handwritten.CudaEmulator.Execution;

/// <summary>
/// How many instructions a launch may repeat before it is taken for one that never ends. Only loops can last, so only what
/// is repeated counts: the instructions between a backward branch and its target, warp by warp.
/// </summary>
internal sealed class LaunchBudget(long limit)
{
    /// <summary>The environment variable that sets the limit.</summary>
    public const string Variable = "HANDWRITTEN_EMULATOR_LIMIT";

    private long _spent;

    /// <summary>The limit, in warp-instructions.</summary>
    public long Limit => limit;

    /// <summary>The limit that a text asks for; null or nothing is <see cref="LaunchOptions.DefaultLimit"/>.</summary>
    /// <exception cref="ArgumentException">It is no positive number.</exception>
    public static long Parse(string? text) => string.IsNullOrWhiteSpace(text) ? LaunchOptions.DefaultLimit
        : long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out long limit) && limit > 0 ? limit
        : throw new ArgumentException($"'{text}' is no number of instructions");

    /// <summary>Takes some of it; false if that much is not left.</summary>
    public bool TrySpend(long instructions) => Interlocked.Add(ref _spent, instructions) <= limit;
}
