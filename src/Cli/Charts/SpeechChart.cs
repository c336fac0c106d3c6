using Handwritten.Model.VoiceActivity;
using Handwritten.Runtime.Audio;
using Handwritten.Runtime.VoiceActivity;
using ScottPlot;

namespace Handwritten.Cli.Charts;

/// <summary>A recording's waveform, the probability of speech over it, and the stretches that count as speech.</summary>
internal static class SpeechChart
{
    private const double WindowSeconds = (double)SileroVad.Window / AudioClip.SampleRate;

    /// <summary>Draws the chart.</summary>
    public static Plot Draw(string title, float[] samples, float[] probabilities, IEnumerable<SpeechRegion> regions, VoiceActivityOptions options)
    {
        Plot chart = new();
        chart.Title(title);
        chart.XLabel("seconds");
        chart.YLabel("probability of speech");

        foreach (SpeechRegion region in regions)
        {
            chart.Add.HorizontalSpan(region.StartSeconds, region.EndSeconds, Colors.Green.WithAlpha(0.15));
        }

        // The waveform fills the height: its loudest sample touches 0 and 1.
        double loudest = Math.Max(1e-6, samples.Select(Math.Abs).DefaultIfEmpty(0).Max());
        var waveform = chart.Add.Signal(samples.Select(sample => 0.5 + (0.5 * sample / loudest)).ToArray(), 1.0 / AudioClip.SampleRate);
        waveform.Color = Colors.Gray.WithAlpha(0.4);

        var line = chart.Add.Signal(probabilities, WindowSeconds);
        line.Color = Colors.Navy;
        line.LineWidth = 1.5f;
        line.Data.XOffset = WindowSeconds / 2;

        var threshold = chart.Add.HorizontalLine(options.Threshold);
        threshold.Color = Colors.DarkRed;
        threshold.LinePattern = LinePattern.Dashed;
        threshold.LineWidth = 1;
        chart.Axes.SetLimits(0, Math.Max(WindowSeconds, (double)samples.Length / AudioClip.SampleRate), -0.02, 1.02);
        return chart;
    }
}
