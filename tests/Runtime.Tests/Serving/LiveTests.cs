using Handwritten.Model.VoiceActivity;
using Handwritten.Runtime.Audio;
using Handwritten.Runtime.Evaluation;
using Handwritten.Runtime.Serving;
using Handwritten.Runtime.Transcription;
using Handwritten.Tests;
using Xunit;

namespace Handwritten.Runtime.Tests.Serving;

/// <summary>Speech that is followed while it is spoken.</summary>
public sealed class LiveTests(DemoModel demo) : IClassFixture<DemoModel>
{
    private static readonly SileroVad Vad = SileroVad.Load(TestData.Weights("silero-vad"));

    private static readonly LiveOptions EveryInterval = new()
    {
        EveryInterval = true,
        Transcription = new() { ConditionOnPreviousText = false, Decoding = new() { Language = "en" } },
    };

    [Fact]
    public void The_probabilities_of_a_stream_are_those_of_the_recording()
    {
        float[] samples = Clips.Samples("06-en.wav");
        float[] whole = Vad.Probabilities(samples);
        SileroListener stream = Vad.Listen();
        for (int window = 0; window < samples.Length / SileroVad.Window; window++)
        {
            Assert.Equal(whole[window], stream.Hear(samples.AsSpan(window * SileroVad.Window, SileroVad.Window)), 1e-6f);
        }

        Assert.Throws<ArgumentException>(() => stream.Hear(new float[SileroVad.Window - 1]));
    }

    [Fact]
    public void Rolling_audio_keeps_what_was_not_dropped()
    {
        RollingAudio audio = new(1000);
        Random random = new(3);
        float next = 0;
        for (int i = 0; i < 200; i++)
        {
            float[] more = [.. Enumerable.Range(0, random.Next(audio.Room + 1)).Select(_ => next++)];
            audio.Append(more);
            audio.DropBefore(audio.Start + random.Next(-5, audio.Length + 5));
            Assert.Equal((long)next, audio.End);
            Assert.Equal(Enumerable.Range((int)audio.Start, audio.Length).Select(sample => (float)sample), audio.Samples.ToArray());
        }
    }

    [Fact]
    public async Task A_recording_in_chunks_of_any_size_gives_the_same_events_and_no_more_errors_than_as_a_whole()
    {
        float[] samples = Clips.Samples("long-en.wav");
        using Transcriber transcriber = new(demo.Model);
        string offline = transcriber.Transcribe(samples, EveryInterval.Transcription).Text;
        string said = Clips.Text("long-en.wav");

        await using TranscriptionEngine engine = new(demo.Model);
        LiveEvent[] inSmall = await Stream(engine, samples, EveryInterval, new Random(1), largestChunk: 700);
        LiveEvent[] inLarge = await Stream(engine, samples, EveryInterval, new Random(2), largestChunk: 100_000);

        Assert.Equal(inSmall.Select(Show), inLarge.Select(Show));

        // Sentence by sentence the demo model hears better than through windows of 30 s: 11% wrong words, against 22%.
        string live = string.Concat(inSmall.OfType<LiveFinal>().Select(final => final.Text));
        double errors = ErrorsIn(live, said);
        Assert.True(errors < 0.15 && errors <= ErrorsIn(offline, said), $"{errors:P1} of the words are wrong:\n{said}\n{live}\n{offline}");
        AssertSensible(inSmall, (double)samples.Length / AudioClip.SampleRate);
        Assert.Contains(inSmall.OfType<LivePartial>(), partial => partial.Committed.Length > 0);
        Assert.True(inSmall.OfType<LiveEndpoint>().Count() > 3);
    }

    [Fact]
    public async Task Speech_without_a_pause_is_cut_where_the_room_ends()
    {
        // Eight sentences without the silence between them, three times over: more than a window.
        float[] breathless = [.. Enumerable.Range(0, 3).SelectMany(_ => Enumerable.Range(1, 8).SelectMany(clip => Spoken($"0{clip}-en.wav")))];
        Assert.True(breathless.Length > 35 * AudioClip.SampleRate, $"{breathless.Length} samples");
        await using TranscriptionEngine engine = new(demo.Model);
        LiveEvent[] events = await Stream(engine, breathless, EveryInterval with { EndpointSilence = 3, Interval = 5 }, new Random(1), largestChunk: 5000);

        AssertSensible(events, (double)breathless.Length / AudioClip.SampleRate);
        Assert.True(events.OfType<LiveFinal>().Count() > 1);
        Assert.True(events.OfType<LiveFinal>().Sum(final => final.Words.Count) > 60);
    }

    [Fact]
    public async Task The_language_is_told_before_any_text()
    {
        await using TranscriptionEngine engine = new(demo.Model);
        LiveOptions options = EveryInterval with { Transcription = new() { ConditionOnPreviousText = true } };
        LiveEvent[] events = await Stream(engine, Clips.Samples("14-fr.wav"), options, new Random(1), largestChunk: 5000);
        int final = Array.FindIndex(events, one => one is LiveFinal), language = Array.FindLastIndex(events, one => one is LiveLanguage { Language: "fr" });
        Assert.InRange(language, 0, final - 1);
    }

    [Fact]
    public async Task Silence_says_nothing_and_nothing_is_kept_of_it()
    {
        await using TranscriptionEngine engine = new(demo.Model);
        Assert.Empty(await Stream(engine, new float[20 * AudioClip.SampleRate], EveryInterval, new Random(1), largestChunk: 3000));
        Assert.Empty(await Stream(engine, [], EveryInterval, new Random(1), largestChunk: 3000));
        Assert.Equal(0, engine.Statistics.Begun);
    }

    [Fact]
    public async Task A_chunk_that_is_no_sound_is_refused_and_the_stream_goes_on()
    {
        await using TranscriptionEngine engine = new(demo.Model);
        await using LiveTranscription live = new(engine, Vad, EveryInterval);
        await Assert.ThrowsAsync<AudioException>(() => live.WriteAsync(new float[] { 0, float.NaN }).AsTask());
        Task<LiveEvent[]> events = live.Events().ToArrayAsync().AsTask();
        await live.WriteAsync(Clips.Samples("01-en.wav"));
        live.Complete();
        Assert.Single((await events).OfType<LiveFinal>());
        await Assert.ThrowsAsync<InvalidOperationException>(() => live.WriteAsync(new float[1]).AsTask());
    }

    [Fact]
    public async Task A_stopped_engine_ends_the_stream()
    {
        await using TranscriptionEngine engine = new(demo.Model);
        await engine.StopAsync();
        await using LiveTranscription live = new(engine, Vad, EveryInterval);
        await live.WriteAsync(Clips.Samples("01-en.wav"));
        live.Complete();
        await Assert.ThrowsAsync<EngineStoppedException>(async () => await live.Events().CountAsync());
    }

    private static async Task<LiveEvent[]> Stream(TranscriptionEngine engine, float[] samples, LiveOptions options, Random random, int largestChunk)
    {
        await using LiveTranscription live = new(engine, Vad, options);
        Task<LiveEvent[]> events = live.Events().ToArrayAsync().AsTask();
        for (int first = 0; first < samples.Length;)
        {
            int count = Math.Min(random.Next(largestChunk), samples.Length - first);
            await live.WriteAsync(samples.AsMemory(first, count));
            first += count;
        }

        live.Complete();
        return await events;
    }

    private static double ErrorsIn(string heard, string said)
    {
        EnglishTextNormalizer normalizer = new();
        return ErrorCount.OfWords(normalizer.Normalize(said), normalizer.Normalize(heard)).Rate;
    }

    /// <summary>What is committed only grows until it is final, and time goes on.</summary>
    private static void AssertSensible(LiveEvent[] events, double seconds)
    {
        string committed = "";
        double end = 0;
        foreach (LiveEvent one in events)
        {
            if (one is LivePartial partial)
            {
                Assert.StartsWith(committed, partial.Committed, StringComparison.Ordinal);
                committed = partial.Committed;
                Assert.InRange(partial.End, partial.Start, seconds + 0.04);
            }
            else if (one is LiveFinal final)
            {
                Assert.StartsWith(committed, final.Text, StringComparison.Ordinal);
                committed = "";
                Assert.InRange(final.Start, end - 0.5, final.End);
                Assert.InRange(final.End, final.Start, seconds + 1);
                end = final.End;
            }
        }
    }

    /// <summary>A record's own text, and that of lists in it.</summary>
    private static string Show(LiveEvent one) => one is LiveFinal final ? $"{one} {string.Join('|', final.Words)}" : $"{one}";

    private static float[] Spoken(string clip)
    {
        float[] samples = Clips.Samples(clip);
        Runtime.VoiceActivity.SpeechRegion[] regions = [.. Runtime.VoiceActivity.SpeechRegions.Find(Vad, samples, new() { PaddingMilliseconds = 0 })];
        return samples[regions[0].Start..regions[^1].End];
    }
}
