using System.Globalization;
using Handwritten.Cli.Comparison;
using ScottPlot;

namespace Handwritten.Cli.Charts;

/// <summary>Candidates in rows; errors, time and memory as bars side by side. Shorter is better everywhere.</summary>
internal static class ComparisonChart
{
    private const int LongestName = 48;

    /// <summary>Draws the chart.</summary>
    public static Multiplot Draw(IReadOnlyList<Measurement> measurements)
    {
        Multiplot chart = new();
        chart.AddPlots(3);
        chart.Layout = new ScottPlot.MultiplotLayouts.Columns();
        Bars(chart.GetPlot(0), "word error rate, %", measurements, measurement => 100 * measurement.Words.Rate, "0.0", Colors.FireBrick);
        Bars(chart.GetPlot(1), "real-time factor", measurements, measurement => measurement.RealTimeFactor, "0.000", Colors.SteelBlue);
        Bars(chart.GetPlot(2), "peak memory, MB", measurements, measurement => measurement.PeakMemoryBytes / 1e6, "0", Colors.SeaGreen);
        return chart;
    }

    private static void Bars(Plot plot, string title, IReadOnlyList<Measurement> measurements, Func<Measurement, double> value, string format, Color color)
    {
        plot.Title(title, size: 16);
        double[] values = [.. measurements.Select(value)];
        for (int i = 0; i < values.Length; i++)
        {
            // The name stands above its bar in every panel: rows can be read without looking back to the left.
            double row = -i;
            plot.Add.Bar(new Bar { Position = row, Value = values[i], Orientation = Orientation.Horizontal, FillColor = color.WithAlpha(0.75), LineWidth = 0, Size = 0.36 });
            Label(plot, values[i].ToString(format, CultureInfo.InvariantCulture), values[i], row, 14);
            Label(plot, Shorten(measurements[i].Settings), 0, row + 0.34, 12);
        }

        plot.HideGrid();
        plot.Axes.Left.SetTicks([], []);
        plot.Axes.Right.IsVisible = plot.Axes.Top.IsVisible = false;
        plot.Layout.Fixed(new PixelPadding(left: 20, right: 30, bottom: 30, top: 40));
        plot.Axes.SetLimits(0, Math.Max(1e-9, values.Max() * 1.25), 0.4 - values.Length, 0.6);
    }

    private static void Label(Plot plot, string text, double x, double y, float size)
    {
        ScottPlot.Plottables.Text label = plot.Add.Text(text, x, y);
        label.LabelAlignment = Alignment.MiddleLeft;
        label.LabelFontSize = size;
        label.OffsetX = 4;
    }

    private static string Shorten(string name) => name.Length <= LongestName ? name : name[..(LongestName - 1)] + "…";
}
