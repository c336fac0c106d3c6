using Handwritten.Runtime.Output;
using ScottPlot;
using SkiaSharp;

namespace Handwritten.Cli.Charts;

/// <summary>Charts as PNG files.</summary>
internal static class ChartFile
{
    /// <summary>Refuses what would fail at the end, before the work.</summary>
    /// <exception cref="UsageException">The name is not that of a PNG file.</exception>
    public static void Check(string option, string path)
    {
        if (!path.EndsWith(".png", StringComparison.OrdinalIgnoreCase))
        {
            throw new UsageException($"{option} writes PNG, so its file's name must end in .png, but it is '{path}'.");
        }
    }

    /// <summary>Draws a chart; the file appears whole or not at all.</summary>
    /// <exception cref="OutputException">It cannot be written.</exception>
    public static void Write(Plot chart, string path, int width, int height) => Write(chart.GetImage(width, height), path);

    /// <summary>Draws several charts, as they are laid out; the file appears whole or not at all.</summary>
    /// <exception cref="OutputException">It cannot be written.</exception>
    public static void Write(Multiplot charts, string path, int width, int height) => Write(charts.Render(width, height), path);

    private static void Write(Image image, string path)
    {
        if (!SKTypeface.Default.ContainsGlyph('0'))
        {
            Console.Error.WriteLine("handwritten: The picture has no text, because this machine has no fonts: install some, for example with 'sudo apt-get install fonts-dejavu-core'.");
        }

        byte[] png = image.GetImageBytes(ImageFormat.Png);
        try
        {
            WholeFile.Write(path, file => file.Write(png));
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new OutputException($"The chart '{path}' cannot be written ({exception.Message.TrimEnd('.')}); choose a folder that exists and is writable.", exception);
        }
    }
}
