using System.Diagnostics;
using Handwritten.Tests;
using Microsoft.Playwright;

namespace Handwritten.Web.Tests;

/// <summary>The pictures of docs/pictures, taken anew where HANDWRITTEN_SCREENSHOTS=1 asks for it.</summary>
internal static class Screenshots
{
    private static readonly bool AreWanted = Environment.GetEnvironmentVariable("HANDWRITTEN_SCREENSHOTS") == "1";

    /// <summary>Takes a picture of the window.</summary>
    /// <param name="page">The window.</param>
    /// <param name="name">Of the picture.</param>
    /// <param name="when">What must be seen on it.</param>
    public static async Task TakeAsync(IPage page, string name, ILocator? when = null)
    {
        if (AreWanted)
        {
            if (when is not null)
            {
                await when.WaitForAsync();
            }

            string picture = Path.Combine(TestData.Repository, "docs", "pictures", $"web-{name}.png"), raw = Path.GetTempFileName();
            await page.Mouse.MoveAsync(0, 0);
            await page.EvaluateAsync("document.fonts.ready");
            await page.ScreenshotAsync(new() { Path = raw, Type = ScreenshotType.Png });

            // 96 colours are enough, and a third of the bytes.
            const string palette = "split[picture][sample];[sample]palettegen=max_colors=96[palette];[picture][palette]paletteuse=dither=none";
            using Process ffmpeg = Process.Start("ffmpeg", ["-loglevel", "error", "-y", "-f", "png_pipe", "-i", raw, "-vf", palette, picture]);
            await ffmpeg.WaitForExitAsync();
            File.Delete(raw);
        }
    }
}
