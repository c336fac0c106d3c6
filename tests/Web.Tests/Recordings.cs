using Handwritten.Server.Tests;
using Handwritten.Tests;
using Microsoft.Playwright;

namespace Handwritten.Web.Tests;

/// <summary>Does to the page what a person does with a recording.</summary>
internal static class Recordings
{
    /// <summary>A recording that the demo model knows: three sentences in eight seconds.</summary>
    public static string Sentences { get; } = TestData.Weights("samples", "10-en.wav");

    /// <summary>What the demo model hears in it.</summary>
    public const string SentencesText = "Send a message to Emma. 27 and 93. 727.";

    public static async Task ChooseAsync(this IPage page, string path)
    {
        IFileChooser chooser = await page.RunAndWaitForFileChooserAsync(() => page.GetByRole(AriaRole.Button, new() { Name = "Choose a recording" }).ClickAsync());
        await chooser.SetFilesAsync(path);
    }

    /// <summary>Drags a file onto the page, and lets go of it.</summary>
    public static async Task DropAsync(this IPage page, string name, byte[] content)
    {
        IJSHandle files = await page.EvaluateHandleAsync(
            """
            ([name, base64]) => {
              const files = new DataTransfer();
              files.items.add(new File([Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0))], name));
              return files;
            }
            """, new[] { name, Convert.ToBase64String(content) });
        await page.DispatchEventAsync("body", "dragover", new { dataTransfer = files });
        await Assertions.Expect(page.GetByText("Let go to transcribe it.")).ToBeVisibleAsync();
        await page.DispatchEventAsync("body", "drop", new { dataTransfer = files });
        await Assertions.Expect(page.GetByText("Let go to transcribe it.")).ToBeHiddenAsync();
    }

    /// <summary>Waits until all has been written.</summary>
    public static Task CompleteAsync(this IPage page) => Assertions.Expect(page.GetByRole(AriaRole.Button, new() { Name = "SRT" })).ToBeVisibleAsync();

    /// <summary>Takes the transcript away in a format.</summary>
    public static Task<IDownload> DownloadAsync(this IPage page, string format) =>
        page.RunAndWaitForDownloadAsync(() => page.GetByRole(AriaRole.Button, new() { Name = format, Exact = true }).ClickAsync());

    /// <summary>
    /// Waits until something comes true. Playwright's own way of waiting evaluates a text within the page, which the page's content security
    /// policy forbids.
    /// </summary>
    /// <param name="page">The page.</param>
    /// <param name="condition">What has to come true, in JavaScript.</param>
    public static Task HoldsAsync(this IPage page, string condition) => Eventually.HoldsAsync(() => page.EvaluateAsync<bool>($"Boolean({condition})"), otherwise: () => condition);

    /// <summary>What was said, as the page shows it.</summary>
    public static async Task<string> TranscriptAsync(this IPage page) => string.Join(' ', await page.Locator("#segments p").AllInnerTextsAsync());

    /// <summary>Where the recording is, in seconds.</summary>
    public static Task<double> PositionAsync(this IPage page) => page.EvaluateAsync<double>("document.getElementById('audio').currentTime");
}
