using Microsoft.Playwright;
using Xunit;
using static Microsoft.Playwright.Assertions;

namespace Handwritten.Web.Tests;

[Collection(OneBrowserForAll.Name)]
public sealed class LiveTests(Browser browser)
{
    [BrowserFact]
    public async Task What_is_spoken_appears_while_it_is_spoken_and_stays_when_it_is_certain()
    {
        IPage page = await browser.OpenAsync();
        await page.GetByLabel("Language").SelectOptionAsync("English");
        await page.GetByRole(AriaRole.Button, new() { Name = "Speak" }).ClickAsync();
        await Expect(page.GetByRole(AriaRole.Button, new() { Name = "Stop" })).ToBeFocusedAsync();
        await Expect(page.Locator("#segments")).ToContainTextAsync("Send a message to Emma.");
        await Screenshots.TakeAsync(page, "live", when: page.Locator("#partial em"));
        await Expect(page.Locator("#segments")).ToContainTextAsync("93.");
        await Expect(page.Locator("#segments li")).ToHaveCountAsync(3); // the last sentence has ended, too
        await page.GetByRole(AriaRole.Button, new() { Name = "Stop" }).ClickAsync();
        await page.CompleteAsync();
        await Expect(page.Locator("#partial")).ToBeHiddenAsync();
        Assert.StartsWith("Send a message to Emma.", await page.TranscriptAsync(), StringComparison.Ordinal);

        // It is a recording like any other now.
        ILocator word = page.GetByRole(AriaRole.Button, new() { Name = "Emma.", Exact = true });
        await word.ClickAsync();
        Assert.InRange(await page.PositionAsync(), 1, 4);
        IDownload sound = await page.RunAndWaitForDownloadAsync(() => page.GetByRole(AriaRole.Link, new() { Name = "Sound" }).ClickAsync());
        Assert.InRange(new FileInfo(await sound.PathAsync()).Length, 7 * 32_000, 30 * 32_000); // 16-bit samples of 16 kHz
        await page.GetByRole(AriaRole.Button, new() { Name = "Transcribe in one piece" }).ClickAsync();
        await page.CompleteAsync();
        Assert.StartsWith("Send a message to", await page.TranscriptAsync(), StringComparison.Ordinal);
    }

    [BrowserFact]
    public async Task What_may_change_is_shown_as_such_until_it_is_certain()
    {
        IPage page = await browser.OpenAsync();
        TaskCompletionSource<IWebSocketRoute> opened = new(TaskCreationOptions.RunContinuationsAsynchronously);
        await page.RouteWebSocketAsync("**/v1/stream**", opened.SetResult); // a server whose guesses do not hang on its speed
        await page.GetByRole(AriaRole.Button, new() { Name = "Speak" }).ClickAsync();
        IWebSocketRoute server = await opened.Task;
        await Expect(page.GetByRole(AriaRole.Button, new() { Name = "Stop" })).ToBeFocusedAsync();
        server.Send("""{"type":"partial","committed":"Send a","tentative":" massage"}""");
        await Expect(page.Locator("#partial")).ToHaveTextAsync("Send a massage");
        await Expect(page.Locator("#partial em")).ToHaveTextAsync("massage");
        server.Send("""{"type":"final","text":"Send a message.","start":0,"end":1,"words":[]}""");
        server.Send("""{"type":"partial","committed":"","tentative":""}""");
        await Expect(page.Locator("#partial")).ToBeHiddenAsync();
        await Expect(page.Locator("#segments li")).ToContainTextAsync("Send a message.");
    }

    [BrowserFact]
    public async Task A_microphone_that_is_denied_is_told_with_what_to_do()
    {
        IPage page = await browser.OpenAsync(microphone: false);
        await page.GetByRole(AriaRole.Button, new() { Name = "Speak" }).ClickAsync();
        await Expect(page.GetByRole(AriaRole.Alert)).ToContainTextAsync("This page may not use the microphone: allow it in the address bar");
        await Expect(page.GetByRole(AriaRole.Button, new() { Name = "Choose a recording" })).ToBeVisibleAsync();
    }

    [BrowserFact]
    public async Task A_server_that_takes_no_further_stream_is_told()
    {
        await using Server.Tests.RunningServer server = await Server.Tests.RunningServer.StartAsync(options => options with { MaximumStreams = 0, LoadEagerly = false });
        IPage page = await browser.OpenAsync(server);
        await page.GetByRole(AriaRole.Button, new() { Name = "Speak" }).ClickAsync();
        await Expect(page.GetByRole(AriaRole.Alert)).ToContainTextAsync("The server takes no further live stream now");
    }

    [BrowserFact]
    public async Task What_was_said_before_the_connection_was_lost_is_kept()
    {
        Server.Tests.RunningServer server = await Server.Tests.RunningServer.StartAsync();
        await using (server)
        {
            IPage page = await browser.OpenAsync(server);
            await page.GetByLabel("Language").SelectOptionAsync("English");
            await page.GetByRole(AriaRole.Button, new() { Name = "Speak" }).ClickAsync();
            await Expect(page.Locator("#segments")).ToContainTextAsync("Send a message to Emma.");
            await server.StopAsync();
            await Expect(page.GetByRole(AriaRole.Alert)).ToContainTextAsync("server");
            Assert.StartsWith("Send a message to Emma.", await page.TranscriptAsync(), StringComparison.Ordinal);
            await Expect(page.GetByRole(AriaRole.Link, new() { Name = "Sound" })).ToBeVisibleAsync();
            await Expect(page.Locator("#facts")).ToContainTextAsync("incomplete");
            IDownload file = await page.DownloadAsync("Text"); // without the server
            Assert.EndsWith("(incomplete).txt", file.SuggestedFilename, StringComparison.Ordinal);
            Assert.StartsWith("Send a message to Emma.", await File.ReadAllTextAsync(await file.PathAsync()), StringComparison.Ordinal);
        }
    }
}
