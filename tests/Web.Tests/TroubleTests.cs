using System.Text;
using System.Text.RegularExpressions;
using Handwritten.Server.Access;
using Handwritten.Server.Tests;
using Microsoft.Playwright;
using Xunit;
using static Microsoft.Playwright.Assertions;

namespace Handwritten.Web.Tests;

[Collection(OneBrowserForAll.Name)]
public sealed class TroubleTests(Browser browser)
{
    [BrowserFact]
    public async Task A_file_that_is_no_recording_is_told_in_one_sentence()
    {
        IPage page = await browser.OpenAsync();
        await page.DropAsync("notes.txt", Encoding.UTF8.GetBytes("This is no sound at all."));
        await Expect(page.GetByRole(AriaRole.Alert)).ToContainTextAsync("The recording");
        Assert.DoesNotContain("/tmp", await page.Locator("#sentence").InnerTextAsync(), StringComparison.Ordinal);
        await Screenshots.TakeAsync(page, "error");

        // The next recording is transcribed as if nothing had been.
        await page.ChooseAsync(RunningServer.Recording);
        await page.CompleteAsync();
        await Expect(page.GetByRole(AriaRole.Alert)).ToBeHiddenAsync();
        Assert.Equal(RunningServer.Text, await page.TranscriptAsync());
    }

    [BrowserFact]
    public async Task A_recording_that_is_too_large_is_told()
    {
        await using RunningServer server = await RunningServer.StartAsync(options => options with { MaximumUploadBytes = 20_000, LoadEagerly = false });
        IPage page = await browser.OpenAsync(server);
        await page.ChooseAsync(Recordings.Sentences);
        await Expect(page.GetByRole(AriaRole.Alert)).ToContainTextAsync("larger than this server takes");
    }

    [BrowserFact]
    public async Task A_server_that_is_gone_is_told_and_can_be_asked_again()
    {
        await using RunningServer server = await RunningServer.StartAsync(options => options with { LoadEagerly = false });
        IPage page = await browser.OpenAsync(server);
        await Expect(page.GetByLabel("Model")).ToHaveValueAsync("whisper-nano");
        await server.StopAsync();
        await page.ChooseAsync(RunningServer.Recording);
        await Expect(page.GetByRole(AriaRole.Alert)).ToContainTextAsync("The server cannot be reached");
        await page.GetByRole(AriaRole.Button, new() { Name = "Try again" }).ClickAsync();
        await Expect(page.GetByRole(AriaRole.Alert)).ToContainTextAsync("The server cannot be reached");
    }

    [BrowserFact]
    public async Task A_busy_server_is_asked_again_when_it_says()
    {
        IPage page = await browser.OpenAsync();
        int asked = 0;
        await page.RouteAsync("**/v1/audio/transcriptions", route => asked++ == 0
            ? route.FulfillAsync(new() { Status = 429, Headers = [new("Retry-After", "4")], ContentType = "application/json", Body = """{"error":{"message":"Too much is under way.","type":"rate_limit_error","param":null,"code":"engine_busy"}}""" })
            : route.ContinueAsync());
        await page.ChooseAsync(RunningServer.Recording);
        await Expect(page.GetByText(new Regex(@"The server is busy\. Trying again in \d s\."))).ToBeVisibleAsync();
        await page.CompleteAsync();
        Assert.Equal(2, asked);
        Assert.Equal(RunningServer.Text, await page.TranscriptAsync());
    }

    [BrowserFact]
    public async Task A_transcript_that_breaks_off_can_be_taken_away_and_says_that_it_is_incomplete()
    {
        IPage page = await browser.OpenAsync();
        int asked = 0;
        await page.RouteAsync("**/v1/audio/transcriptions", route => asked++ == 0
            ? route.FulfillAsync(new()
            {
                Status = 200,
                ContentType = "text/event-stream",
                Body = "data: {\"type\":\"transcript.text.delta\",\"language\":\"english\",\"duration\":2.2,\"segment\":{\"start\":0,\"end\":1,\"text\":\" Please play\"}}\n\n",
            })
            : route.ContinueAsync());
        await page.ChooseAsync(RunningServer.Recording);
        await Expect(page.GetByRole(AriaRole.Alert)).ToContainTextAsync("The transcript broke off");
        await Expect(page.GetByText("English · 0:02 · incomplete")).ToBeVisibleAsync();
        IDownload subtitles = await page.DownloadAsync("SRT");
        Assert.Equal("01-en (incomplete).srt", subtitles.SuggestedFilename);
        Assert.Contains("00:00:00,000 --> 00:00:01,000\nPlease play\n", await File.ReadAllTextAsync(await subtitles.PathAsync()), StringComparison.Ordinal);

        await page.GetByRole(AriaRole.Button, new() { Name = "Try again" }).ClickAsync();
        await Expect(page.GetByRole(AriaRole.Status)).ToHaveTextAsync("The transcript is complete.");
        Assert.Equal(RunningServer.Text, await page.TranscriptAsync());
        await Expect(page.GetByText("incomplete")).ToBeHiddenAsync();
        Assert.Equal("01-en.txt", (await page.DownloadAsync("Text")).SuggestedFilename);
    }

    [BrowserFact]
    public async Task A_transcript_that_is_no_longer_wanted_is_given_up()
    {
        IPage page = await browser.OpenAsync();
        await page.RouteAsync("**/v1/audio/transcriptions", _ => { }); // never answered
        await page.ChooseAsync(RunningServer.Recording);
        await page.GetByRole(AriaRole.Button, new() { Name = "Cancel" }).ClickAsync();
        await Expect(page.GetByRole(AriaRole.Button, new() { Name = "Choose a recording" })).ToBeFocusedAsync();
        await Expect(page.GetByRole(AriaRole.Alert)).ToBeHiddenAsync();
    }

    [BrowserFact]
    public async Task Silence_is_told_to_be_silence()
    {
        IPage page = await browser.OpenAsync();
        byte[] silence = File.ReadAllBytes(Recordings.Sentences);
        silence.AsSpan(44).Clear();
        await page.DropAsync("silence.wav", silence);
        await Expect(page.GetByText("No speech was found in 0:08.")).ToBeVisibleAsync();
    }

    [BrowserFact]
    public async Task A_server_that_wants_a_key_is_given_one_which_goes_with_the_tab()
    {
        string keys = Path.GetTempFileName();
        (string key, string hash) = ApiKeyFile.Create();
        await File.WriteAllTextAsync(keys, $"reader {hash}\n");
        try
        {
            await using RunningServer server = await RunningServer.StartAsync(options => options with { ApiKeyFile = keys });
            IPage page = await browser.OpenAsync(server);
            ILocator dialog = page.GetByRole(AriaRole.Dialog, new() { Name = "This server wants a key" });
            await Expect(dialog).ToContainTextAsync("ask whoever runs it for one");
            await page.GetByLabel("API key").FillAsync("hw-wrong");
            await page.Keyboard.PressAsync("Enter");
            await Expect(dialog).ToContainTextAsync("is not one of this server's");
            await page.GetByLabel("API key").FillAsync(key);
            await page.GetByRole(AriaRole.Button, new() { Name = "Use it" }).ClickAsync();
            await Expect(dialog).ToBeHiddenAsync();

            // It opens everything: uploads, formats and live streams.
            await page.ChooseAsync(RunningServer.Recording);
            await page.CompleteAsync();
            Assert.Equal(RunningServer.Text, await page.TranscriptAsync());
            IDownload file = await page.DownloadAsync("SRT");
            Assert.Contains(RunningServer.Text, await File.ReadAllTextAsync(await file.PathAsync()), StringComparison.Ordinal);
            await page.GetByRole(AriaRole.Button, new() { Name = "New recording" }).ClickAsync();
            await page.GetByRole(AriaRole.Button, new() { Name = "Speak" }).ClickAsync();
            await Expect(page.GetByRole(AriaRole.Button, new() { Name = "Stop" })).ToBeVisibleAsync();
            Assert.Equal(key, await page.EvaluateAsync<string>("sessionStorage.getItem('handwritten-api-key')"));
            Assert.DoesNotContain(key, await page.EvaluateAsync<string>("JSON.stringify(localStorage)"), StringComparison.Ordinal);
        }
        finally
        {
            File.Delete(keys);
        }
    }
}
