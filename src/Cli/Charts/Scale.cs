using ScottPlot;
using ScottPlot.Plottables;
using ScottPlot.TickGenerators;

namespace Handwritten.Cli.Charts;

/// <summary>Heat maps in their place, and what their colours mean.</summary>
internal static class Scale
{
    /// <summary>Pixels between numbers; a scale as high as the chart would have dozens.</summary>
    private const float Spacing = 60;

    /// <summary>Draws numbers as colours.</summary>
    /// <param name="chart">Where.</param>
    /// <param name="numbers">[rows, columns], the first row on top.</param>
    /// <param name="area">What their cells fill.</param>
    /// <param name="colours">The colours, from the smallest number to the largest.</param>
    public static Heatmap Draw(Plot chart, double[,] numbers, CoordinateRect area, IColormap colours)
    {
        (int rows, int columns) = (numbers.GetLength(0), numbers.GetLength(1));
        double width = area.Width / columns, height = area.Height / rows;
        if (rows == 1 || columns == 1)
        {
            // A heat map's extent goes from its first cell's middle to its last one's, so there must be two: the other is out of sight.
            double[,] larger = new double[Math.Max(2, rows), Math.Max(2, columns)];
            for (int row = 0; row < rows; row++)
            {
                for (int column = 0; column < columns; column++)
                {
                    larger[row, column] = numbers[row, column];
                }
            }

            numbers = larger;
            area = new CoordinateRect(area.Left, area.Left + (width * larger.GetLength(1)), area.Top - (height * larger.GetLength(0)), area.Top);
        }

        Heatmap heat = chart.Add.Heatmap(numbers);
        heat.Extent = new CoordinateRect(area.Left + (width / 2), area.Right - (width / 2), area.Bottom + (height / 2), area.Top - (height / 2));
        heat.Colormap = colours;
        return heat;
    }

    /// <summary>Adds a bar of colours with numbers beside a chart.</summary>
    public static void Add(Plot chart, Heatmap heat, string label)
    {
        var bar = chart.Add.ColorBar(heat);
        bar.Label = label;
        bar.Axis.TickGenerator = new NumericAutomatic { MinimumTickSpacing = Spacing };
    }
}
