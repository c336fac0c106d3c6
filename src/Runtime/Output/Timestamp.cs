namespace Handwritten.Runtime.Output;

/// <summary>Times as subtitles write them. Source: openai/whisper, utils.py, format_timestamp.</summary>
public static class Timestamp
{
    /// <summary>Whole milliseconds; a half goes to the even neighbour, as Python rounds.</summary>
    /// <param name="seconds">Time in seconds.</param>
    public static long ToMilliseconds(double seconds) => (long)Math.Round(seconds * 1000, MidpointRounding.ToEven);

    /// <summary>Writes a time as <c>[hh:]mm:ss.mmm</c>.</summary>
    /// <param name="milliseconds">Time in milliseconds.</param>
    /// <param name="alwaysHours">Whether the hours are written even where there are none.</param>
    /// <param name="decimalMarker">What stands before the milliseconds.</param>
    /// <exception cref="ArgumentOutOfRangeException">The time is negative.</exception>
    public static string Format(long milliseconds, bool alwaysHours = false, char decimalMarker = '.')
    {
        ArgumentOutOfRangeException.ThrowIfNegative(milliseconds);
        (long hours, long rest) = Math.DivRem(milliseconds, 3_600_000);
        (long minutes, rest) = Math.DivRem(rest, 60_000);
        (long seconds, rest) = Math.DivRem(rest, 1_000);
        string hoursMarker = alwaysHours || hours > 0 ? $"{hours:00}:" : "";
        return $"{hoursMarker}{minutes:00}:{seconds:00}{decimalMarker}{rest:000}";
    }
}
