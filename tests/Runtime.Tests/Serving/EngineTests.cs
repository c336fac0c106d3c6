using Handwritten.Runtime.Audio;
using Handwritten.Runtime.Decoding;
using Handwritten.Runtime.Serving;
using Handwritten.Runtime.Tests.Batching;
using Handwritten.Runtime.Transcription;
using Handwritten.Runtime.VoiceActivity;
using Xunit;

namespace Handwritten.Runtime.Tests.Serving;

/// <summary>Requests in company get what they get alone; what fails or is cancelled disturbs nobody.</summary>
public sealed class EngineTests(DemoModel demo) : IClassFixture<DemoModel>
{
    private static readonly TranscriptionOptions English = new() { Decoding = new() { Language = "en" } };

    /// <summary>Options that take every way through the decoder: greedy, drawn, beams, rules about repetitions, words.</summary>
    private static readonly TranscriptionOptions[] Ways =
    [
        English,
        new(),
        new() { Decoding = new() { Language = "en", BeamSize = 5 } },
        new() { Decoding = new() { Language = "en", BestOf = 3, Seed = 7 }, Temperatures = [0.8] },
        new() { Decoding = new() { Language = "en", RepetitionPenalty = 1.3, NoRepeatNgramSize = 4 } },
        new() { Decoding = new() { Language = "en", BeamSize = 2 }, WordTimestamps = true },
        new() { Decoding = new() { WithoutTimestamps = true }, InitialPrompt = "Set a timer.", Multilingual = true },
        new() { LogProbabilityThreshold = 0, Decoding = new() { BestOf = 2 } },
    ];

    [Fact]
    public async Task Requests_of_every_kind_get_in_company_the_segments_that_they_get_alone()
    {
        (string Clip, TranscriptionOptions Options)[] requests =
        [
            .. Ways.SelectMany(options => new[] { ("03-en.wav", options), ("12-es.wav", options), ("silence-noise.wav", options) }),
            ("long-en.wav", Ways[1]),
            ("long-en.wav", Ways[5]),
        ];
        Transcript[] alone = Alone(requests);

        await using TranscriptionEngine engine = new(demo.Model, new EngineOptions { Windows = 5, Lanes = 9, EncoderBatch = 3 });
        ServedTranscription[] served = [.. requests.Select(request => engine.Start(new EngineRequest(Clips.Samples(request.Clip), request.Options)))];
        for (int i = 0; i < requests.Length; i++)
        {
            Clips.AssertSame(alone[i], await served[i].Transcript);
            Assert.Equal(alone[i].Segments.Count, await served[i].Segments().CountAsync());
            Assert.Equal(alone[i].Language, await served[i].Language);
        }

        EngineStatistics statistics = await engine.Idle();
        Assert.Equal(requests.Length, statistics.Completed);
        Assert.True(statistics.StepRows > 1.5 * statistics.Steps, $"{statistics.StepRows} rows in {statistics.Steps} steps");
        Assert.True(statistics.EncodedWindows > statistics.EncoderPasses, $"{statistics.EncodedWindows} windows in {statistics.EncoderPasses} passes");
        Assert.True(statistics.WindowsHeardAgain > 0, "The window in which a long recording's language was detected was encoded twice.");
    }

    [Fact]
    public async Task Independent_windows_of_a_recording_give_what_each_gives_as_a_recording()
    {
        float[] samples = Clips.Samples("long-en.wav");
        IReadOnlyList<SpeechWindow> windows = Recordings.Windows(samples);
        Segment[] expected = Recordings.OneByOne(demo.Model, samples, windows, English);
        Assert.True(windows.Count > 2);

        await using TranscriptionEngine engine = new(demo.Model);
        using ServedTranscription given = engine.Start(new EngineRequest(samples, English) { SpeechWindows = windows, Priority = RequestPriority.Bulk });
        using ServedTranscription detected = engine.Start(new EngineRequest(samples, new TranscriptionOptions()) { SpeechWindows = windows });
        using ServedTranscription none = engine.Start(new EngineRequest(samples, English) { SpeechWindows = [] });

        Clips.AssertSame(expected, (await given.Transcript).Segments);
        Clips.AssertSame(expected, (await detected.Transcript).Segments);
        Assert.Equal("en", await detected.Language);
        Assert.Empty((await none.Transcript).Segments);
        Assert.Equal(given.Duration, given.Position);
    }

    [Fact]
    public async Task Healthy_requests_are_right_among_poisoned_and_cancelled_ones()
    {
        string[] clips = ["01-en.wav", "05-en.wav", "10-en.wav", "13-de.wav"];
        (string Clip, TranscriptionOptions Options)[] healthy = [.. clips.SelectMany(clip => new[] { (clip, English), (clip, Ways[3]), (clip, Ways[2]) })];
        Transcript[] alone = Alone(healthy);
        const int Requests = 48;
        Random random = new(5);

        await using TranscriptionEngine engine = new(demo.Model, new EngineOptions { Windows = 4, Lanes = 8 });
        List<(ServedTranscription Served, Transcript Expected)> right = [];
        List<ServedTranscription> failing = [];
        List<Task> cancelled = [];
        for (int i = 0; i < Requests; i++)
        {
            int choice = random.Next(healthy.Length);
            EngineRequest request = new(Clips.Samples(healthy[choice].Clip), healthy[choice].Options) { Client = $"{random.Next(3)}", Priority = (RequestPriority)random.Next(3) };
            switch (random.Next(4))
            {
                case 0:
                    failing.Add(engine.Start(Poisoned(request, random)));
                    break;
                case 1:
                    ServedTranscription left = engine.Start(request);
                    cancelled.Add(DisposeAsync(left, after: TimeSpan.FromMilliseconds(100 * random.Next(4))));
                    break;
                default:
                    right.Add((engine.Start(request), alone[choice]));
                    break;
            }
        }

        foreach ((ServedTranscription served, Transcript expected) in right)
        {
            Clips.AssertSame(expected, await served.Transcript);
        }

        foreach (ServedTranscription served in failing)
        {
            await Assert.ThrowsAnyAsync<Exception>(() => served.Transcript);
            await Assert.ThrowsAnyAsync<Exception>(async () => await served.Segments().CountAsync());
        }

        await Task.WhenAll(cancelled);
        EngineStatistics statistics = await engine.Idle();
        Assert.Equal(failing.Count, statistics.Failed);
        Assert.True(statistics.Cancelled > 0);
        Assert.Equal(Requests, statistics.Completed + statistics.Failed + statistics.Cancelled);

        // Some at once, before any engine could have answered them.
        static async Task DisposeAsync(ServedTranscription served, TimeSpan after)
        {
            await Task.Delay(after);
            served.Dispose();
        }
    }

    [Theory]
    [InlineData(float.NaN)]
    [InlineData(float.PositiveInfinity)]
    [InlineData(1e30f)]
    public async Task What_is_no_sound_is_refused_at_once(float sample)
    {
        await using TranscriptionEngine engine = new(demo.Model);
        float[] samples = [.. Clips.Samples("01-en.wav")];
        samples[1234] = sample;
        AudioException refused = Assert.Throws<AudioException>(() => engine.Start(new EngineRequest(samples, English)));
        Assert.Contains("1234", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Options_that_no_window_could_have_are_refused_at_once()
    {
        await using TranscriptionEngine engine = new(demo.Model, new EngineOptions { Lanes = 4 });
        EngineRequest request = new(Clips.Samples("01-en.wav"), English);
        Assert.Throws<OptionsException>(() => engine.Start(request with { Options = new() { Temperatures = [] } }));
        Assert.Throws<OptionsException>(() => engine.Start(request with { Options = new() { Decoding = new() { BeamSize = 5 } } }));
        Assert.Throws<OptionsException>(() => engine.Start(request with { SpeechWindows = [new([new(0, request.Samples.Length + 1)])] }));
        Assert.Throws<OptionsException>(() => engine.Start(request with { SpeechWindows = [], Options = English with { Clips = [0, 1] } }));
        SpeechWindow speech = new([new(0, 16_000)]);
        Assert.Throws<OptionsException>(() => engine.Start(request with { Speech = speech, SpeechWindows = [speech] }));
        Assert.Throws<OptionsException>(() => engine.Start(request with { Speech = speech, Options = English with { Clips = [0, 1] } }));
        Assert.Throws<OptionsException>(() => engine.Start(request with { Options = English with { InitialPrompt = Prompt.FromTokens([51_865]) } }));
        Assert.Throws<OptionsException>(() => EngineRequest.Of(PreparedRecording.Of(request.Samples, English with { Windows = new() { Overlap = new() } })));
    }

    [Theory]
    [InlineData("long-en.wav")]
    [InlineData("silence-noise.wav")]
    public async Task Recordings_are_cut_as_their_options_say(string clip)
    {
        WindowOptions[] ways =
        [
            new(), new() { VadFilter = true }, new() { VadFilter = true, VoiceActivity = new() { Threshold = 0.3, MinSilenceMilliseconds = 300 } },
            new() { BatchSize = 1 }, new() { BatchSize = 1, LongestSeconds = 12 },
        ];
        PreparedRecording[] recordings =
        [
            .. ways.Select(windows => PreparedRecording.Of(Clips.Samples(clip), English with { Windows = windows })),
            PreparedRecording.Of(Clips.Samples(clip), English with { Windows = new() { BatchSize = 1 }, Clips = [0, 1, 1.5, 4] }),
        ];
        Transcript[] alone;
        using (RecordingTranscriber transcriber = new(demo.Model))
        {
            alone = [.. recordings.Select(recording => transcriber.Transcribe(recording))];
        }

        await using TranscriptionEngine engine = new(demo.Model);
        foreach ((Transcript expected, PreparedRecording recording) in alone.Zip(recordings))
        {
            using ServedTranscription served = engine.Start(EngineRequest.Of(recording));
            Clips.AssertSame(expected, await served.Transcript);
            Assert.Equal(expected.Segments.Count, await served.Segments().CountAsync());
            Assert.Equal(served.Duration, served.Position);
        }
    }

    [Fact]
    public async Task A_full_queue_refuses_and_has_room_again()
    {
        await using TranscriptionEngine engine = new(demo.Model, new EngineOptions { MaxRequests = 3, MaxRequestsPerClient = 2, MaxAudioSeconds = 400, Windows = 1 });
        EngineRequest a = new(Clips.Samples("long-en.wav"), English) { Client = "a" }, b = a with { Client = "b" }, hours = b with { Samples = new float[400 * 16_000] };
        ServedTranscription[] accepted = [engine.Start(a), engine.Start(a)];
        EngineBusyException ofClient = Assert.Throws<EngineBusyException>(() => engine.Start(a));
        Assert.InRange(ofClient.RetryAfter.TotalSeconds, 1, 120);
        Assert.Throws<EngineBusyException>(() => engine.Start(hours));
        accepted = [.. accepted, engine.Start(b)];
        Assert.Throws<EngineBusyException>(() => engine.Start(b));
        Assert.Equal(3, engine.Statistics.Refused);

        await Task.WhenAll(accepted.Select(served => served.Transcript));
        await engine.Start(a).Transcript;
        Assert.Equal(4, (await engine.Idle()).Completed);
    }

    [Fact]
    public async Task Short_work_overtakes_long_work_and_urgent_work_all_other()
    {
        await using TranscriptionEngine engine = new(demo.Model, new EngineOptions { Windows = 1 });
        EngineRequest @long = new(Clips.Samples("long-en.wav"), English), @short = new(Clips.Samples("02-en.wav"), English);
        List<string> order = [];
        Task[] all =
        [
            Note("long", @long),
            Note("bulk", @short with { Priority = RequestPriority.Bulk }),
            Note("short", @short),
            Note("live", @short with { Priority = RequestPriority.Live }),
        ];
        await Task.WhenAll(all);
        Assert.True(order.IndexOf("short") < order.IndexOf("long") && order.IndexOf("live") < order.IndexOf("long"), string.Join(" ", order));

        async Task Note(string name, EngineRequest request)
        {
            ServedTranscription served = engine.Start(request);
            await served.Transcript;
            lock (order)
            {
                order.Add(name);
            }
        }
    }

    [Fact]
    public async Task Whoever_asks_beforehand_is_told_that_there_is_no_room()
    {
        await using TranscriptionEngine engine = new(demo.Model, new EngineOptions { MaxRequestsPerClient = 1, Windows = 1 });
        using ServedTranscription served = engine.Start(new(Clips.Samples("long-en.wav"), English) { Client = "a" });
        Assert.Throws<EngineBusyException>(() => engine.RequireRoom("a"));
        engine.RequireRoom("b");
        Assert.Equal(1, engine.Statistics.Refused);
    }

    [Fact]
    public async Task A_recording_of_one_window_does_not_overtake_another_one_for_being_shorter()
    {
        await using TranscriptionEngine engine = new(demo.Model, new EngineOptions { Windows = 1 });
        using ServedTranscription holds = engine.Start(new EngineRequest(Clips.Samples("long-en.wav"), English));
        using ServedTranscription first = engine.Start(new EngineRequest(Clips.Samples("10-en.wav"), English));
        using ServedTranscription second = engine.Start(new EngineRequest(Clips.Samples("02-en.wav"), English));
        await second.Transcript;
        Assert.True(first.HasBegun && first.QueueTime < second.QueueTime, $"{first.QueueTime} {second.QueueTime}");
    }

    [Fact]
    public async Task A_long_recording_gets_aside_the_spectrogram_that_it_gets_in_its_turn()
    {
        Transcript alone = Alone([("long-en.wav", English)])[0];
        await using TranscriptionEngine engine = new(demo.Model, new EngineOptions { LongSeconds = 30 });
        Clips.AssertSame(alone, await engine.Start(new EngineRequest(Clips.Samples("long-en.wav"), English)).Transcript);
    }

    [Fact]
    public async Task A_stopped_engine_finishes_what_it_has_and_takes_nothing_more()
    {
        await using TranscriptionEngine engine = new(demo.Model);
        EngineRequest request = new(Clips.Samples("01-en.wav"), English);
        ServedTranscription last = engine.Start(request);
        await engine.StopAsync();
        Assert.True(last.Transcript.IsCompletedSuccessfully);
        Assert.Throws<EngineStoppedException>(() => engine.Start(request));
    }

    [Fact]
    public async Task Disposing_the_engine_cancels_what_it_has()
    {
        ServedTranscription[] served;
        await using (TranscriptionEngine engine = new(demo.Model, new EngineOptions { Windows = 2 }))
        {
            served = [.. Enumerable.Range(0, 5).Select(_ => engine.Start(new EngineRequest(Clips.Samples("long-en.wav"), English)))];
        }

        foreach (ServedTranscription one in served)
        {
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => one.Transcript);
            one.Dispose();
        }
    }

    private static EngineRequest Poisoned(EngineRequest request, Random random) => random.Next(3) switch
    {
        0 => request with { Options = English with { Clips = [1000] } },
        1 => request with { Options = English with { Decoding = English.Decoding with { MaxNewTokens = 448 } } },
        _ => request with { Options = English with { InitialPrompt = "<|endoftext|>" } },
    };

    private Transcript[] Alone((string Clip, TranscriptionOptions Options)[] requests)
    {
        using Transcriber transcriber = new(demo.Model);
        return [.. requests.Select(request => transcriber.Transcribe(Clips.Samples(request.Clip), request.Options))];
    }
}
