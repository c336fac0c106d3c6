using Handwritten.Server.Tests;
using Microsoft.Playwright;
using Xunit;
using static Microsoft.Playwright.Assertions;

namespace Handwritten.Web.Tests;

/// <summary>What a person no longer wants leaves nothing behind, whenever that is: no open microphone, no request, nothing on another recording's page.</summary>
[Collection(OneBrowserForAll.Name)]
public sealed class GivenUpTests(Browser browser)
{
    private const string WatchMicrophone =
        """
        window.tracks = [];
        const open = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
        navigator.mediaDevices.getUserMedia = async (wants) => { const stream = await open(wants); window.tracks.push(...stream.getTracks()); return stream; };
        null; // a function would be called
        """;

    [BrowserFact]
    public async Task Speech_that_is_given_up_while_the_stream_opens_turns_the_microphone_off_and_is_sent_nowhere()
    {
        using ManualResetEventSlim loading = new();
        Server.Models.ModelSource demo = RunningServer.DemoModel();
        await using RunningServer server = await RunningServer.StartAsync(options => options with
        {
            LoadEagerly = false,
            Models =
            [
                demo with
                {
                    CreateKernels = () =>
                    {
                        loading.Wait();
                        return demo.CreateKernels();
                    },
                },
            ],
        });
        IPage page = await browser.OpenAsync(server);
        await page.EvaluateAsync(WatchMicrophone);
        await page.EvaluateAsync(
            """
            window.sockets = [];
            const Socket = window.WebSocket;
            window.WebSocket = class extends Socket { constructor(...given) { super(...given); window.sockets.push(this); } };
            null;
            """);
        await page.GetByRole(AriaRole.Button, new() { Name = "Speak" }).ClickAsync();
        await page.HoldsAsync("window.sockets.length === 1"); // and the server does not answer
        await page.GetByRole(AriaRole.Button, new() { Name = "Cancel" }).ClickAsync();
        try
        {
            await page.HoldsAsync("window.tracks.every((track) => track.readyState === 'ended') && window.sockets[0].readyState >= WebSocket.CLOSING");
            await Expect(page.GetByRole(AriaRole.Button, new() { Name = "Choose a recording" })).ToBeFocusedAsync();
            await Expect(page.GetByRole(AriaRole.Alert)).ToBeHiddenAsync();
        }
        finally
        {
            loading.Set();
        }
    }

    [BrowserFact]
    public async Task Another_recording_that_is_dropped_while_what_was_said_is_decoded_has_the_page_to_itself()
    {
        IPage page = await browser.OpenAsync();
        await page.GetByRole(AriaRole.Button, new() { Name = "Speak" }).ClickAsync();
        await page.EvaluateAsync(
            """
            const decode = OfflineAudioContext.prototype.decodeAudioData;
            window.held = new Promise((resolve) => { window.letGo = resolve; });
            OfflineAudioContext.prototype.decodeAudioData = async function (bytes) {
              OfflineAudioContext.prototype.decodeAudioData = decode; // only the first is held
              window.isDecoding = true;
              await window.held;
              return decode.call(this, bytes);
            };
            null;
            """);
        await page.GetByRole(AriaRole.Button, new() { Name = "Stop" }).ClickAsync();
        await page.HoldsAsync("window.isDecoding");
        await page.DropAsync("other.wav", await File.ReadAllBytesAsync(RunningServer.Recording));
        await page.CompleteAsync();
        await page.EvaluateAsync("(async () => { window.letGo(); await new Promise((resolve) => setTimeout(resolve, 300)); })()");
        await Expect(page.Locator("#name")).ToHaveTextAsync("other.wav");
        await Expect(page.Locator("#name")).Not.ToBeFocusedAsync();
        await Expect(page.GetByRole(AriaRole.Link, new() { Name = "Sound" })).ToBeHiddenAsync();
        Assert.Equal(RunningServer.Text, await page.TranscriptAsync());
    }

    [BrowserFact]
    public async Task A_recording_that_waits_for_a_key_is_not_sent_when_another_has_taken_its_place()
    {
        IPage page = await browser.OpenAsync();
        int asked = 0;
        await page.RouteAsync("**/v1/audio/transcriptions", route => Interlocked.Increment(ref asked) == 1
            ? route.FulfillAsync(new() { Status = 401, ContentType = "application/json", Body = """{"error":{"message":"No key.","type":"invalid_request_error","param":null,"code":"missing_api_key"}}""" })
            : route.ContinueAsync());
        byte[] recording = await File.ReadAllBytesAsync(RunningServer.Recording);
        await page.DropAsync("first.wav", recording);
        await Expect(page.Locator("#key-dialog")).ToBeVisibleAsync();
        await page.DropAsync("second.wav", recording);
        await page.CompleteAsync();
        await page.Locator("#key").FillAsync("any");
        await page.Locator("#key-dialog form").EvaluateAsync("form => form.requestSubmit()");
        await Expect(page.Locator("#key-dialog")).ToBeHiddenAsync();
        await page.DropAsync("third.wav", recording);
        await page.CompleteAsync();
        Assert.Equal(3, asked);
    }

    [BrowserFact]
    public async Task A_microphone_that_is_unplugged_ends_what_is_said_and_is_told()
    {
        IPage page = await browser.OpenAsync();
        await page.EvaluateAsync(WatchMicrophone);
        await page.GetByLabel("Language").SelectOptionAsync("English");
        await page.GetByRole(AriaRole.Button, new() { Name = "Speak" }).ClickAsync();
        await Expect(page.Locator("#segments")).ToContainTextAsync("Send a message to Emma.");
        await page.EvaluateAsync("window.tracks[0].dispatchEvent(new Event('ended'))");
        await Expect(page.GetByRole(AriaRole.Alert)).ToContainTextAsync("The microphone is gone");
        await Expect(page.GetByRole(AriaRole.Link, new() { Name = "Sound" })).ToBeVisibleAsync();
        Assert.StartsWith("Send a message to Emma.", await page.TranscriptAsync(), StringComparison.Ordinal);
    }
}
