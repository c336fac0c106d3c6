using Handwritten.Server.Tests;
using Handwritten.Tests;
using Microsoft.Playwright;
using Xunit;

namespace Handwritten.Web.Tests;

/// <summary>
/// A headless Chromium whose microphone plays a recording once, and a server with the demo model, which tests share. Each test has
/// a window of its own, with nothing kept from the one before.
/// </summary>
public sealed class Browser : IAsyncLifetime
{
    private IPlaywright _playwright = null!;
    private IBrowser _browser = null!;
    private IBrowserContext? _window;

    internal RunningServer Server { get; private set; } = null!;

    public async Task InitializeAsync()
    {
        if (BrowserFactAttribute.Obstacle is null)
        {
            Server = await RunningServer.StartAsync();
            _playwright = await Playwright.CreateAsync();
            _browser = await _playwright.Chromium.LaunchAsync(new BrowserTypeLaunchOptions
            {
                ExecutablePath = BrowserFactAttribute.Chromium,
                Args =
                [
                    "--no-sandbox", // the tests may run as root
                    "--mute-audio",
                    "--use-fake-device-for-media-stream",
                    $"--use-file-for-fake-audio-capture={TestData.Weights("samples", "10-en.wav")}%noloop",
                ],
            });
        }
    }

    /// <summary>Opens the page of a server in a new window, and closes the one before.</summary>
    /// <param name="server">The server; the shared one if null.</param>
    /// <param name="dark">Whether the system's colours are dark.</param>
    /// <param name="microphone">Whether the page may listen.</param>
    /// <param name="width">Of the window, in CSS pixels.</param>
    /// <param name="height">Of the window.</param>
    internal async Task<IPage> OpenAsync(RunningServer? server = null, bool dark = false, bool microphone = true, int width = 1120, int height = 800)
    {
        string address = (server ?? Server).Address.AbsoluteUri;
        IBrowserContext? before = _window;
        _window = null;
        await (before?.CloseAsync() ?? Task.CompletedTask).WaitAsync(TimeSpan.FromSeconds(60));
        _window = await _browser.NewContextAsync(new BrowserNewContextOptions
        {
            ViewportSize = new ViewportSize { Width = width, Height = height },
            ColorScheme = dark ? ColorScheme.Dark : ColorScheme.Light,
            ReducedMotion = ReducedMotion.Reduce,
            AcceptDownloads = true,
        });
        _window.SetDefaultTimeout(20_000);
        Assertions.SetDefaultExpectTimeout(20_000);

        // What is not granted here is denied, where it would be asked for otherwise.
        await _window.GrantPermissionsAsync(microphone ? ["microphone", "clipboard-read", "clipboard-write"] : ["clipboard-read"], new() { Origin = address });
        IPage page = await _window.NewPageAsync();
        await page.GotoAsync(address);
        return page;
    }

    /// <summary>Opens the shared server's page, and has it transcribe a recording to the end.</summary>
    internal async Task<IPage> TranscribeAsync(string path)
    {
        IPage page = await OpenAsync();
        await page.ChooseAsync(path);
        await page.CompleteAsync();
        return page;
    }

    public async Task DisposeAsync()
    {
        if (BrowserFactAttribute.Obstacle is null)
        {
            await _browser.CloseAsync().WaitAsync(TimeSpan.FromSeconds(60));
            _playwright.Dispose();
            await Server.DisposeAsync();
        }
    }
}

[CollectionDefinition(Name)]
public sealed class OneBrowserForAll : ICollectionFixture<Browser>
{
    public const string Name = "Browser";
}

/// <summary>A test in a browser: only where there is Chromium and the page was built, which ./test sees to.</summary>
public sealed class BrowserFactAttribute : FactAttribute
{
    /// <summary>Skips where there is an obstacle; a window that hangs fails its test, and does not hold up the others.</summary>
    public BrowserFactAttribute() => (Skip, Timeout) = (Obstacle, 180_000);

    internal static string? Chromium { get; } = new[] { "/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome" }.FirstOrDefault(File.Exists);

    /// <summary>Why there can be no test; null if there can.</summary>
    internal static string? Obstacle { get; } =
        Chromium is null ? "There is no Chromium: ./test installs it where it may."
        : !Directory.Exists(Path.Combine(AppContext.BaseDirectory, "wwwroot", "assets")) ? "The web page was not built: ./test installs Node.js and npm where it may."
        : null;
}
