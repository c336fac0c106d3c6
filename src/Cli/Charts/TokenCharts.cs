using System.Globalization;
using Handwritten.Model;
using Handwritten.Runtime.Inspection;
using ScottPlot;
using ScottPlot.Plottables;
using ScottPlot.TickGenerators;

namespace Handwritten.Cli.Charts;

/// <summary>Charts with a row for each token, the first on top: attention, alignment, probabilities.</summary>
internal static class TokenCharts
{
    /// <summary>Pixels of a token's row.</summary>
    private const int RowHeight = 22;

    /// <summary>Pixels of title, axis and margins together.</summary>
    private const int Surroundings = 110;

    /// <summary>How high a picture must be for its tokens.</summary>
    public static int Height(int tokens) => Surroundings + (RowHeight * Math.Max(tokens, 6));

    /// <summary>Where the decoder listened while it chose each token.</summary>
    public static Plot Attention(string title, AttentionTrace trace, double start)
    {
        Plot chart = Rows(title, trace.Tokens);
        Heat(chart, [.. trace.Weights.Chunk(trace.Frames).SelectMany(Relative)], trace.Tokens.Count, trace.Frames, start, "attention, strongest = 1");
        return chart;
    }

    /// <summary>The standardised attention and the way through it that gives each token its time.</summary>
    public static Plot Alignment(string title, AlignmentTrace trace, double start)
    {
        Plot chart = Rows(title, trace.Tokens);
        Heat(chart, trace.Matrix, trace.Tokens.Count, trace.Frames, start, "deviations");
        var way = chart.Add.Scatter(
            [.. trace.Path.Select(step => start + ((step.Frame + 0.5) * WhisperAudio.SecondsPerTimestamp))],
            trace.Path.Select(step => (double)-step.Token).ToArray());
        way.Color = Colors.Red;
        way.LineWidth = 2;
        way.MarkerSize = 0;
        foreach ((int token, int frame) in trace.Path.DistinctBy(step => step.Token).Skip(1))
        {
            var time = chart.Add.Text(
                (start + (frame * WhisperAudio.SecondsPerTimestamp)).ToString("0.00", CultureInfo.InvariantCulture),
                start + (frame * WhisperAudio.SecondsPerTimestamp), -token);
            bool atEdge = frame < trace.Frames / 20;
            time.LabelAlignment = atEdge ? ScottPlot.Alignment.MiddleLeft : ScottPlot.Alignment.MiddleRight;
            time.OffsetX = atEdge ? 5 : -5;
            time.LabelFontColor = Colors.White;
            time.LabelFontSize = 11;
        }

        return chart;
    }

    /// <summary>How probable each token was, and the best others.</summary>
    public static Plot Probabilities(string title, IReadOnlyList<TokenTrace> tokens)
    {
        Plot chart = Rows(title, [.. tokens.Select(token => token.Text)]);
        chart.XLabel("probability");
        for (int row = 0; row < tokens.Count; row++)
        {
            TokenTrace token = tokens[row];
            chart.Add.Bar(new Bar
            {
                Position = -row,
                Value = token.Probability,
                Orientation = Orientation.Horizontal,
                Size = 0.7,
                LineWidth = 0,
                FillColor = Fill(token),
            });
            string others = string.Join("   ", token.Rivals.Where(rival => rival.Probability >= 0.005).Select(rival => $"{Show(rival.Text)} {Number(rival.Probability)}"));
            var label = chart.Add.Text(others.Length > 0 ? $"{Number(token.Probability)}     else  {others}" : Number(token.Probability), 1.01, -row);
            label.LabelAlignment = ScottPlot.Alignment.MiddleLeft;
            label.LabelFontSize = 12;
            label.LabelFontColor = Colors.Gray.Darken(0.3);
        }

        // To the right of 1 stands what else there was.
        chart.Axes.SetLimitsX(0, 1.6);
        chart.Axes.Bottom.SetTicks([0, 0.25, 0.5, 0.75, 1], ["0", "0.25", "0.5", "0.75", "1"]);
        chart.Add.VerticalLine(1, width: 1, color: Colors.LightGray);
        return chart;

        // Neighbouring timestamps share their probability: a low one is no doubt about the text.
        static Color Fill(TokenTrace token) => token.Text.StartsWith("<|", StringComparison.Ordinal) ? Colors.SlateGray.WithAlpha(0.6)
            : token.Probability >= 0.5 ? Colors.SeaGreen.WithAlpha(0.75)
            : Colors.DarkOrange.WithAlpha(0.85);

        static string Number(double probability) => probability.ToString("0.000", CultureInfo.InvariantCulture);
    }

    private static Plot Rows(string title, IReadOnlyList<string> tokens)
    {
        Plot chart = new();
        chart.Title(title, size: 16);
        chart.HideGrid();
        chart.Axes.Left.TickGenerator = new NumericManual([.. tokens.Select((_, row) => (double)-row)], [.. tokens.Select(Show)]);
        chart.Axes.Left.MajorTickStyle.Length = 0;
        chart.Axes.Left.TickLabelStyle.FontSize = 13;
        chart.Axes.SetLimitsY(0.5 - Math.Max(tokens.Count, 1), 0.5);
        return chart;
    }

    private static void Heat(Plot chart, float[] values, int rows, int columns, double start, string scale)
    {
        double[,] matrix = new double[rows, columns];
        for (int i = 0; i < values.Length; i++)
        {
            matrix[i / columns, i % columns] = values[i];
        }

        double end = start + (columns * WhisperAudio.SecondsPerTimestamp);
        Heatmap heat = Scale.Draw(chart, matrix, new CoordinateRect(start, end, 0.5 - rows, 0.5), new ScottPlot.Colormaps.Viridis());
        Scale.Add(chart, heat, scale);
        chart.XLabel("seconds");
        chart.Axes.SetLimitsX(start, end);
    }

    private static IEnumerable<float> Relative(float[] row)
    {
        float strongest = Math.Max(row.Max(), float.Epsilon);
        return row.Select(weight => weight / strongest);
    }

    /// <summary>A blank that is part of a token counts, so it is shown.</summary>
    private static string Show(string token) => token.StartsWith(' ') ? "·" + token[1..] : token;
}
