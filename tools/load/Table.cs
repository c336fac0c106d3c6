using System.Globalization;

namespace Handwritten.Load;

/// <summary>A table as Markdown has it, so that a document can take it as it is.</summary>
internal sealed class Table(params string[] columns)
{
    private readonly List<string[]> _rows = [];

    /// <summary>Adds a row.</summary>
    public void Add(params string[] cells) => _rows.Add(cells);

    /// <summary>Prints it: the first column to the left, numbers to the right.</summary>
    public void Write(TextWriter output)
    {
        output.WriteLine($"| {string.Join(" | ", columns)} |");
        output.WriteLine($"|---|{string.Concat(Enumerable.Repeat("---:|", columns.Length - 1))}");
        _rows.ForEach(row => output.WriteLine($"| {string.Join(" | ", row)} |"));
    }

    /// <summary>A number with so many digits behind the point.</summary>
    public static string Number(double value, int digits = 0) => value.ToString($"F{digits}", CultureInfo.InvariantCulture);

    /// <summary>Megabytes.</summary>
    public static string Megabytes(long bytes) => Number(bytes / 1e6);

    /// <summary>A share or a growth.</summary>
    public static string Percent(double value) => $"{Number(value * 100, 1)} %";
}
