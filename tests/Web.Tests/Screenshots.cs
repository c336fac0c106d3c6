using Handwritten.Tests;
using Microsoft.Playwright;

namespace Handwritten.Web.Tests;

/// <summary>The pictures of docs/pictures, taken anew where HANDWRITTEN_SCREENSHOTS=1 asks for it.</summary>
internal static class Screenshots
{
    private static readonly bool AreWanted = Environment.GetEnvironmentVariable("HANDWRITTEN_SCREENSHOTS") == "1";

    /// <summary>Takes a picture of the window as it is.</summary>
    public static async Task TakeAsync(IPage page, string name)
    {
        if (AreWanted)
        {
            await page.EvaluateAsync("document.fonts.ready");
            await page.ScreenshotAsync(new() { Path = Path.Combine(TestData.Repository, "docs", "pictures", $"web-{name}.png") });
        }
    }
}
