using Deque.AxeCore.Commons;
using Deque.AxeCore.Playwright;
using Microsoft.Playwright;
using Xunit;
using static Microsoft.Playwright.Assertions;

namespace Handwritten.Web.Tests;

[Collection(OneBrowserForAll.Name)]
public sealed class PageTests(Browser browser)
{
    [BrowserFact]
    public async Task The_page_talks_to_nobody_but_its_server_and_obeys_its_own_policy()
    {
        IPage page = await browser.OpenAsync();
        List<string> addresses = [], complaints = [];
        page.Request += (_, request) => addresses.Add(request.Url);
        page.WebSocket += (_, socket) => addresses.Add(socket.Url);
        page.Console += (_, message) => complaints.Add(message.Text);
        page.PageError += (_, error) => complaints.Add(error);
        await page.ReloadAsync();
        await page.ChooseAsync(Recordings.Sentences);
        await page.CompleteAsync();
        await page.GetByText("What the model hears").ClickAsync();
        await Expect(page.GetByRole(AriaRole.Img, new() { Name = "Log-mel spectrogram of" })).ToBeVisibleAsync();
        await page.DownloadAsync("VTT");
        await page.GetByRole(AriaRole.Button, new() { Name = "New recording" }).ClickAsync();
        await page.GetByRole(AriaRole.Button, new() { Name = "Speak" }).ClickAsync();
        await Expect(page.GetByRole(AriaRole.Button, new() { Name = "Stop" })).ToBeVisibleAsync();
        Assert.Contains(addresses, address => address.StartsWith("ws://127.0.0.1", StringComparison.Ordinal));
        Assert.All(addresses, address => Assert.Contains(new Uri(address).Host, new[] { "127.0.0.1", "" })); // blobs have no host
        Assert.Empty(complaints);
    }

    [BrowserFact]
    public async Task Browsers_keep_what_is_named_by_its_content_and_ask_for_the_page_each_time()
    {
        HttpClient client = browser.Server.Client;
        using HttpResponseMessage page = await client.GetAsync("/");
        Assert.Equal("no-cache", page.Headers.CacheControl!.ToString());
        string policy = Assert.Single(page.Headers.GetValues("Content-Security-Policy"));
        Assert.Contains("script-src 'self';", policy, StringComparison.Ordinal);
        Assert.DoesNotContain("unsafe", policy, StringComparison.Ordinal);
        string html = await page.Content.ReadAsStringAsync(), script = html.Split("src=\"./")[1].Split('"')[0];
        using HttpResponseMessage asset = await client.GetAsync(script);
        Assert.Equal("public, max-age=31536000, immutable", asset.Headers.CacheControl!.ToString());
        Assert.Equal("text/javascript", asset.Content.Headers.ContentType!.MediaType);
    }

    [BrowserFact]
    public async Task Everything_can_be_done_with_the_keyboard()
    {
        IPage page = await browser.OpenAsync();
        await Expect(page.GetByLabel("Model")).ToHaveValueAsync("whisper-nano");
        Task<IFileChooser> chooser = page.WaitForFileChooserAsync();
        await TabToAsync(page, "choose");
        await page.Keyboard.PressAsync("Enter");
        await (await chooser).SetFilesAsync(Recordings.Sentences);
        await page.CompleteAsync();

        await TabToAsync(page, "waveform");
        await page.Keyboard.PressAsync("ArrowRight");
        Assert.InRange(await page.PositionAsync(), 5, 5.01);
        await page.Keyboard.PressAsync("Home");
        Assert.Equal(0, await page.PositionAsync());
        await page.Keyboard.PressAsync("Space");
        await Expect(page.GetByRole(AriaRole.Button, new() { Name = "Pause" })).ToBeVisibleAsync();
        await page.Keyboard.PressAsync("Space");

        // The transcript is one stop of the tab key; within it arrows go from word to word.
        await TabToAsync(page, "hearing");
        await page.Keyboard.PressAsync("Tab");
        Assert.Equal("Send", await FocusedAsync(page));
        await page.Keyboard.PressAsync("ArrowRight");
        Assert.Equal("a", await FocusedAsync(page));
        await page.Keyboard.PressAsync("ArrowDown");
        Assert.Equal("27", await FocusedAsync(page));
        await page.Keyboard.PressAsync("End");
        Assert.Equal("727.", await FocusedAsync(page));
        await page.Keyboard.PressAsync("Enter");
        Assert.InRange(await page.PositionAsync(), 5, 8.2);
        await page.Keyboard.PressAsync("Tab");
        Assert.Equal("Copy", await FocusedAsync(page));
        await page.Keyboard.PressAsync("Tab");
        IDownload text = await page.RunAndWaitForDownloadAsync(() => page.Keyboard.PressAsync("Enter"));
        Assert.Equal("10-en.txt", text.SuggestedFilename);
    }

    [BrowserFact]
    public async Task Colours_are_the_systems_until_others_are_chosen()
    {
        IPage page = await browser.OpenAsync(dark: true);
        Assert.True(await PaperAsync(page) < 60);
        await page.ChooseAsync(Recordings.Sentences);
        await page.CompleteAsync();
        await page.GetByText("What the model hears").ClickAsync();
        await Expect(page.GetByRole(AriaRole.Img, new() { Name = "Log-mel spectrogram of" })).ToBeVisibleAsync();
        await page.GetByRole(AriaRole.Button, new() { Name = "Emma." }).ClickAsync();
        await page.GetByRole(AriaRole.Button, new() { Name = "Pause" }).ClickAsync();
        await Screenshots.TakeAsync(page, "dark");
        await page.GetByRole(AriaRole.Button, new() { Name = "Light colours" }).ClickAsync();
        Assert.True(await PaperAsync(page) > 200);
        await page.ReloadAsync();
        await Expect(page.GetByRole(AriaRole.Button, new() { Name = "Dark colours" })).ToBeVisibleAsync();
        Assert.True(await PaperAsync(page) > 200);
    }

    [BrowserFact]
    public async Task The_width_of_a_phone_is_enough()
    {
        IPage page = await browser.OpenAsync(width: 360, height: 640);
        await Expect(page.GetByLabel("Model")).ToHaveValueAsync("whisper-nano");
        Assert.InRange(await WidthAsync(page), 300, 360);
        await Screenshots.TakeAsync(page, "phone");
        await page.ChooseAsync(Recordings.Sentences);
        await page.CompleteAsync();
        Assert.InRange(await WidthAsync(page), 300, 360);
        await Screenshots.TakeAsync(page, "phone-sheet");
    }

    [BrowserFact]
    public async Task Nothing_stands_in_the_way_of_assistive_technology()
    {
        foreach (bool dark in new[] { false, true })
        {
            IPage page = await browser.OpenAsync(dark: dark);
            await Expect(page.GetByLabel("Model")).ToHaveValueAsync("whisper-nano");
            await AccessibleAsync(page);
            if (!dark)
            {
                await Screenshots.TakeAsync(page, "start");
            }

            await page.DropAsync("notes.txt", "no sound"u8.ToArray());
            await Expect(page.GetByRole(AriaRole.Alert)).ToBeVisibleAsync();
            await AccessibleAsync(page);
            await page.ChooseAsync(Recordings.Sentences);
            await page.CompleteAsync();
            await page.GetByText("What the model hears").ClickAsync();
            await Expect(page.GetByRole(AriaRole.Img, new() { Name = "Log-mel spectrogram of" })).ToBeVisibleAsync();
            await AccessibleAsync(page);
        }
    }

    private static async Task AccessibleAsync(IPage page)
    {
        AxeResult result = await page.RunAxe();
        Assert.True(result.Violations.Length == 0, string.Join('\n', result.Violations.Select(violation => $"{violation.Id}: {violation.Help}\n{string.Join('\n', violation.Nodes.Select(node => node.Html))}")));
    }

    private static async Task TabToAsync(IPage page, string id)
    {
        for (int i = 0; i < 30; i++)
        {
            await page.Keyboard.PressAsync("Tab");
            if (await page.EvaluateAsync<bool>($"document.activeElement.id === '{id}' || document.activeElement.parentElement?.id === '{id}'"))
            {
                return;
            }
        }

        Assert.Fail($"The tab key does not reach {id}.");
    }

    private static Task<string> FocusedAsync(IPage page) => page.EvaluateAsync<string>("document.activeElement.textContent");

    private static Task<int> WidthAsync(IPage page) => page.EvaluateAsync<int>("document.documentElement.scrollWidth");

    /// <summary>How light the paper is, from 0 to 255.</summary>
    private static Task<int> PaperAsync(IPage page) => page.EvaluateAsync<int>("+getComputedStyle(document.body).backgroundColor.match(/\\d+/)[0]");
}
