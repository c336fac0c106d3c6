using System.Diagnostics;
using System.Text.Json.Nodes;
using Handwritten.Runtime.Audio;
using Handwritten.Server.Tests;
using Microsoft.Playwright;
using Xunit;
using static Microsoft.Playwright.Assertions;

namespace Handwritten.Web.Tests;

[Collection(OneBrowserForAll.Name)]
public sealed class UploadTests(Browser browser)
{
    [BrowserFact]
    public async Task A_recording_that_is_chosen_is_transcribed()
    {
        IPage page = await browser.TranscribeAsync(Recordings.Sentences);
        Assert.Equal(Recordings.SentencesText, await page.TranscriptAsync());
        await Expect(page.GetByRole(AriaRole.Heading, new() { Name = "10-en.wav" })).ToBeVisibleAsync();
        await Expect(page.GetByText("English · 0:08")).ToBeVisibleAsync();
        await Expect(page.GetByRole(AriaRole.Status)).ToHaveTextAsync("The transcript is complete.");
    }

    [BrowserFact]
    public async Task A_recording_that_is_dropped_is_transcribed()
    {
        IPage page = await browser.OpenAsync();
        await page.DropAsync("garage.wav", File.ReadAllBytes(RunningServer.Recording));
        await page.CompleteAsync();
        Assert.Equal(RunningServer.Text, await page.TranscriptAsync());
    }

    [BrowserFact]
    public async Task The_choices_are_those_of_the_server_and_go_with_the_recording()
    {
        IPage page = await browser.OpenAsync();
        await Expect(page.GetByLabel("Model")).ToHaveValueAsync("whisper-nano");
        await page.GetByLabel("Language").SelectOptionAsync("French");
        await page.GetByLabel("Task").SelectOptionAsync("put into English");
        await page.RunAndWaitForRequestAsync(() => page.ChooseAsync(RunningServer.Recording), "**/v1/audio/translations");
        await Expect(page.GetByText("French · 0:02")).ToBeVisibleAsync(); // as the server was told

        // They are still there the next time.
        await page.ReloadAsync();
        await Expect(page.GetByLabel("Language")).ToHaveValueAsync("fr");
    }

    [BrowserFact]
    public async Task A_word_plays_from_where_it_is_spoken()
    {
        IPage page = await browser.TranscribeAsync(Recordings.Sentences);
        ILocator word = page.GetByRole(AriaRole.Button, new() { Name = "727.", Exact = true });
        double start = double.Parse((await word.GetAttributeAsync("data-start"))!, System.Globalization.CultureInfo.InvariantCulture);
        Assert.InRange(start, 5, 7);
        await page.EvaluateAsync("document.getElementById('audio').playbackRate = 0.25"); // or it may have ended before it is looked at
        await word.ClickAsync();
        await Expect(word).ToHaveClassAsync("spoken"); // it is marked while it sounds
        Assert.InRange(await page.PositionAsync(), start, start + 2);
        await page.GetByRole(AriaRole.Button, new() { Name = "Pause" }).ClickAsync();
        await Expect(page.GetByRole(AriaRole.Button, new() { Name = "Play", Exact = true })).ToBeVisibleAsync();
    }

    [BrowserFact]
    public async Task The_waveform_is_drawn_and_a_click_on_it_seeks()
    {
        IPage page = await browser.TranscribeAsync(Recordings.Sentences);
        ILocator waveform = page.GetByRole(AriaRole.Slider, new() { Name = "Position in the recording" });
        double[] heights = await waveform.EvaluateAsync<double[]>(
            """
            (canvas) => {
              const { data, width, height } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
              return Array.from({ length: width }, (_, x) => Array.from({ length: height }, (_, y) => data[(y * width + x) * 4 + 3]).filter((alpha) => alpha > 128).length);
            }
            """);
        Assert.InRange(heights.Max(), 40, 64); // the loudest moment
        Assert.InRange(heights[10], 0, 4); // and the silence before the first word
        LocatorBoundingBoxResult box = (await waveform.BoundingBoxAsync())!;
        await waveform.ClickAsync(new() { Position = new() { X = box.Width / 2, Y = 10 } });
        Assert.InRange(await page.PositionAsync(), 4, 4.2);
        await Expect(waveform).ToHaveAttributeAsync("aria-valuetext", "4 seconds of 8 seconds");
    }

    [BrowserFact]
    public async Task Files_to_take_away_are_those_of_the_server()
    {
        IPage page = await browser.TranscribeAsync(Recordings.Sentences);
        foreach ((string button, string extension, string format) in new[] { ("Text", "txt", "text"), ("SRT", "srt", "srt"), ("VTT", "vtt", "vtt"), ("JSON", "json", "verbose_json") })
        {
            IDownload download = await page.DownloadAsync(button);
            Assert.Equal($"10-en.{extension}", download.SuggestedFilename);
            string content = await File.ReadAllTextAsync(await download.PathAsync());
            string expected = await ExpectedAsync(format);
            if (format == "verbose_json")
            {
                Assert.True(JsonNode.DeepEquals(JsonNode.Parse(expected), JsonNode.Parse(content)), content);
            }
            else
            {
                Assert.Equal(expected, content);
            }
        }

        await page.GetByRole(AriaRole.Button, new() { Name = "Copy" }).ClickAsync();
        await Expect(page.GetByRole(AriaRole.Button, new() { Name = "Copied" })).ToBeVisibleAsync();
        Assert.Equal(Recordings.SentencesText, await page.EvaluateAsync<string>("navigator.clipboard.readText()"));
    }

    [BrowserFact]
    public async Task Two_channels_become_one_that_is_as_loud_as_each()
    {
        IPage page = await browser.OpenAsync();
        await page.EvaluateAsync(
            """
            const own = window.fetch;
            window.fetch = (address, request) => { if (request?.body instanceof FormData) window.sent = request.body; return own(address, request); };
            null; // a function would be called
            """);
        const int seconds = 1;
        short[] left = [.. Enumerable.Range(0, seconds * AudioClip.SampleRate).Select(i => (short)(0.8 * short.MaxValue * Math.Sin(i / 8.0)))];
        await page.DropAsync("loud.wav", Stereo(left));
        await page.GetByText("What the model hears").ClickAsync();
        await page.HoldsAsync("window.sent");
        double loudest = await page.EvaluateAsync<double>(
            """
            (async () => {
              const wav = await [...window.sent.values()].find((field) => field instanceof Blob).arrayBuffer();
              return new Int16Array(wav.slice(44)).reduce((most, sample) => Math.max(most, Math.abs(sample)), 0) / 32767;
            })()
            """);
        Assert.InRange(loudest, 0.75, 0.85);
    }

    [BrowserFact]
    public async Task What_the_model_hears_can_be_looked_at()
    {
        IPage page = await browser.TranscribeAsync(Recordings.Sentences);
        await page.GetByText("What the model hears").ClickAsync();
        ILocator picture = page.GetByRole(AriaRole.Img, new() { Name = "Log-mel spectrogram of 0:00 to 0:08" });
        await Expect(picture).ToBeVisibleAsync();
        int[] size = await picture.EvaluateAsync<int[]>("(canvas) => [canvas.width, canvas.height]");
        Assert.InRange(size[0], 810, 830); // a hundred frames a second
        Assert.Equal(80, size[1]);

        // Silence is as light as the paper, speech is ink.
        double[] darkness = await picture.EvaluateAsync<double[]>(
            """
            (canvas) => [5, 150].map((frame) => {
              const { data } = canvas.getContext('2d').getImageData(frame, 0, 10, 80);
              return data.filter((_, i) => i % 4 === 0).reduce((sum, red) => sum + 255 - red, 0) / 800;
            })
            """);
        Assert.True(darkness[1] > darkness[0] + 25, string.Join(' ', darkness));
        await Screenshots.TakeAsync(page, "light");
    }

    [BrowserFact]
    public async Task A_recording_that_the_browser_cannot_play_has_its_transcript_all_the_same()
    {
        string recording = Path.Combine(Path.GetTempPath(), $"{Guid.NewGuid()}.aiff");
        try
        {
            using Process ffmpeg = Process.Start("ffmpeg", ["-loglevel", "error", "-i", Recordings.Sentences, recording]);
            await ffmpeg.WaitForExitAsync();
            IPage page = await browser.TranscribeAsync(recording);
            Assert.Equal(Recordings.SentencesText, await page.TranscriptAsync());
            await Expect(page.GetByRole(AriaRole.Button, new() { Name = "Play", Exact = true })).ToBeDisabledAsync();
            await Expect(page.GetByRole(AriaRole.Slider)).ToHaveAttributeAsync("aria-valuemax", "8.2"); // as the server counts
        }
        finally
        {
            File.Delete(recording);
        }
    }

    /// <summary>What the server answers where it is asked for a format at once.</summary>
    private async Task<string> ExpectedAsync(string format)
    {
        using MultipartFormDataContent form = RunningServer.Form(
            File.ReadAllBytes(Recordings.Sentences), ("response_format", format), ("model", "whisper-nano"), ("timestamp_granularities[]", "word"), ("timestamp_granularities[]", "segment"));
        using HttpResponseMessage response = await browser.Server.Client.PostAsync("/v1/audio/transcriptions", form);
        return await response.Content.ReadAsStringAsync();
    }

    /// <summary>A WAV file of 16-bit samples, the same in both channels.</summary>
    private static byte[] Stereo(short[] channel)
    {
        using MemoryStream file = new();
        using BinaryWriter writer = new(file);
        int bytes = 2 * sizeof(short) * channel.Length;
        writer.Write("RIFF"u8);
        writer.Write(36 + bytes);
        writer.Write("WAVEfmt "u8);
        writer.Write(16);
        writer.Write((short)1); // integers
        writer.Write((short)2); // channels
        writer.Write(AudioClip.SampleRate);
        writer.Write(2 * sizeof(short) * AudioClip.SampleRate);
        writer.Write((short)(2 * sizeof(short)));
        writer.Write((short)16); // bits
        writer.Write("data"u8);
        writer.Write(bytes);
        foreach (short sample in channel)
        {
            writer.Write(sample);
            writer.Write(sample);
        }

        return file.ToArray();
    }
}
