using System.Globalization;
using Handwritten.Model;
using Handwritten.Runtime.Inspection;
using ScottPlot;
using ScottPlot.Plottables;
using ScottPlot.TickGenerators;

namespace Handwritten.Cli.Charts;

/// <summary>The log-mel spectrogram, with the bands' frequencies beside it.</summary>
internal static class SpectrogramChart
{
    private static readonly double[] Frequencies = [125, 250, 500, 1000, 1500, 2000, 3000, 4000, 6000];

    /// <summary>Draws the chart.</summary>
    public static Plot Draw(string title, SpectrogramTrace trace, double start)
    {
        Plot chart = new();
        chart.Title(title, size: 16);
        chart.XLabel("seconds");
        chart.YLabel($"Hz, in {trace.Bands} mel bands");

        // A heat map's first row is on top; the lowest band belongs below.
        double[,] matrix = new double[trace.Bands, trace.Frames];
        for (int i = 0; i < trace.Values.Length; i++)
        {
            matrix[trace.Bands - 1 - (i % trace.Bands), i / trace.Bands] = trace.Values[i];
        }

        double end = start + ((double)trace.Frames / WhisperAudio.FramesPerSecond);
        Heatmap heat = Scale.Draw(chart, matrix, new CoordinateRect(start, end, -0.5, trace.Bands - 0.5), new ScottPlot.Colormaps.Magma());
        Scale.Add(chart, heat, "log-mel, as the encoder hears it");
        chart.Axes.Left.TickGenerator = new NumericManual(
            [.. Frequencies.Select(hertz => MelFilters.Band(hertz, trace.Bands))],
            [.. Frequencies.Select(hertz => hertz.ToString("0", CultureInfo.InvariantCulture))]);
        chart.Axes.SetLimits(start, end, -0.5, trace.Bands - 0.5);
        return chart;
    }
}
