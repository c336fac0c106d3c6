using Handwritten.Cli.Profile;
using Handwritten.Kernels.Gpu.Profiling;
using ScottPlot;

namespace Handwritten.Cli.Charts;

/// <summary>Bars of the kernels' times, the longest on top, each under its kernel's name; the floor, where it is known, in front.</summary>
internal static class KernelChart
{
    private const double Thickness = 0.4, NameAbove = 0.2;
    private const float NameSize = 11;

    /// <summary>Draws a pass.</summary>
    /// <param name="title">What is shown.</param>
    /// <param name="kernels">The kernels.</param>
    /// <param name="card">Whose floors.</param>
    public static Plot Draw(string title, IReadOnlyList<KernelUse> kernels, string card)
    {
        Plot chart = new();
        chart.Title(title);
        KernelUse[] sorted = [.. kernels.OrderBy(kernel => kernel.Microseconds ?? Floor(kernel))];
        if (Array.Exists(sorted, kernel => kernel.Microseconds is not null))
        {
            Bars(kernel => kernel.Microseconds ?? 0, Colors.Gray.WithAlpha(0.4), "measured");
        }

        if (Array.Exists(sorted, kernel => kernel.Floors.ContainsKey(card)))
        {
            Bars(Floor, Colors.Navy, $"floor on {card}");
        }

        for (int i = 0; i < sorted.Length; i++)
        {
            var name = chart.Add.Text(KernelNames.Shorten(sorted[i].Kernel), 0, i + NameAbove);
            name.LabelAlignment = Alignment.LowerLeft;
            name.LabelFontSize = NameSize;
        }

        chart.Axes.Left.SetTicks([], []);
        chart.XLabel("microseconds");
        chart.Axes.Margins(left: 0);
        chart.Axes.SetLimitsY(-0.5, sorted.Length);
        chart.ShowLegend(Alignment.LowerRight);
        return chart;

        void Bars(Func<KernelUse, double> value, Color color, string legend)
        {
            Bar[] bars = [.. sorted.Select((kernel, i) => new Bar { Position = i, Value = value(kernel), FillColor = color, LineWidth = 0, Size = Thickness, Orientation = Orientation.Horizontal })];
            chart.Add.Bars(bars).LegendText = legend;
        }

        double Floor(KernelUse kernel) => kernel.Floors.TryGetValue(card, out KernelFloor? floor) ? floor.Microseconds : 0;
    }
}
