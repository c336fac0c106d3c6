using ScottPlot;
using ScottPlot.Plottables;
using ScottPlot.TickGenerators;

namespace Handwritten.Cli.Charts;

/// <summary>What the colours of a heat map mean.</summary>
internal static class Scale
{
    /// <summary>Pixels between numbers; a scale as high as the chart would have dozens.</summary>
    private const float Spacing = 60;

    /// <summary>Adds a bar of colours with numbers beside a chart.</summary>
    public static void Add(Plot chart, Heatmap heat, string label)
    {
        var bar = chart.Add.ColorBar(heat);
        bar.Label = label;
        bar.Axis.TickGenerator = new NumericAutomatic { MinimumTickSpacing = Spacing };
    }
}
