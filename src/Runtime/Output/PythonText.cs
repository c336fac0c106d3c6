using System.Globalization;

namespace Handwritten.Runtime.Output;

// The original is Python, and whoever compares its files with ours compares Python's idea of a blank, of a text's
// length and of how a number is written. All of them differ from .NET's in corners.

/// <summary>Text as Python's str and repr have it.</summary>
internal static class PythonText
{
    /// <summary>str.isspace: what .NET calls white space, and the four ASCII separators.</summary>
    public static bool IsSpace(char c) => char.IsWhiteSpace(c) || c is >= '\x1c' and <= '\x1f';

    /// <summary>str.strip().</summary>
    public static string Strip(string text)
    {
        int start = 0;
        int end = text.Length;
        while (start < end && IsSpace(text[start]))
        {
            start++;
        }

        while (end > start && IsSpace(text[end - 1]))
        {
            end--;
        }

        return text[start..end];
    }

    /// <summary>len(): code points, where .NET counts UTF-16 units.</summary>
    public static int Length(string text)
    {
        int length = 0;
        foreach (System.Text.Rune _ in text.EnumerateRunes())
        {
            length++;
        }

        return length;
    }

    /// <summary>
    /// json.dumps of a float, which is repr: the fewest digits that read back as the same number, with an exponent
    /// below 1e-04 and from 1e+16 on, and always with a sign that this is no integer: <c>1.0</c>, <c>1e-05</c>.
    /// </summary>
    public static string Json(double value)
    {
        if (!double.IsFinite(value))
        {
            return double.IsNaN(value) ? "NaN" : value > 0 ? "Infinity" : "-Infinity";
        }

        // value = 0.digits · 10^point. "E16" would give too many digits; the default is the shortest form.
        string text = Math.Abs(value).ToString("R", CultureInfo.InvariantCulture);
        string[] parts = text.Split('E');
        string mantissa = parts[0].Contains('.') ? parts[0] : parts[0] + ".";
        int point = mantissa.IndexOf('.') + (parts.Length > 1 ? int.Parse(parts[1], CultureInfo.InvariantCulture) : 0);
        string digits = mantissa.Replace(".", "", StringComparison.Ordinal);
        point -= digits.Length - digits.TrimStart('0').Length;
        digits = digits.Trim('0');

        string sign = double.IsNegative(value) ? "-" : "";
        return sign + digits switch
        {
            "" => "0.0",
            _ when point is <= -4 or > 16 => Scientific(digits, point - 1),
            _ when point <= 0 => $"0.{new string('0', -point)}{digits}",
            _ when point >= digits.Length => $"{digits.PadRight(point, '0')}.0",
            _ => $"{digits[..point]}.{digits[point..]}",
        };
    }

    private static string Scientific(string digits, int exponent)
    {
        string fraction = digits.Length > 1 ? $".{digits[1..]}" : "";
        return $"{digits[0]}{fraction}e{(exponent < 0 ? '-' : '+')}{Math.Abs(exponent):00}";
    }
}
