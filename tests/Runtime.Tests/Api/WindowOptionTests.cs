using Handwritten.Runtime.Audio;
using Handwritten.Runtime.Batching;
using Handwritten.Runtime.Decoding;
using Handwritten.Runtime.Tests.Batching;
using Handwritten.Runtime.Transcription;
using Handwritten.Runtime.VoiceActivity;
using Handwritten.Tests;
using Xunit;

namespace Handwritten.Runtime.Tests.Api;

/// <summary>The library's ways to cut recordings, and the batches that its callers share.</summary>
public sealed class WindowOptionTests(DemoModel demo) : IClassFixture<DemoModel>
{
    private static readonly TranscriptionOptions Greedy = new() { Decoding = new() { Language = "en" } };

    private static readonly VoiceActivityOptions Sensitive = new() { Threshold = 0.3, MinSilenceMilliseconds = 300, PaddingMilliseconds = 100 };

    private static readonly float[] Long = Recordings.Samples("long-en.wav");

    public static TheoryData<string> Ways => [.. Settings.Keys];

    private static Dictionary<string, WindowOptions> Settings { get; } = new()
    {
        ["one after the other"] = new(),
        ["speech alone"] = new() { VadFilter = true },
        ["speech alone, by other rules"] = new() { VadFilter = true, VoiceActivity = Sensitive },
        ["batches"] = new() { BatchSize = 4 },
        ["batches, by other rules"] = new() { BatchSize = 4, VoiceActivity = Sensitive },
        ["batches of short windows"] = new() { BatchSize = 4, LongestSeconds = 6 },
        ["overlapping windows"] = new() { Overlap = new OverlappingWindows(20, 4) },
        ["overlapping windows in batches"] = new() { Overlap = new OverlappingWindows(20, 4), BatchSize = 4 },
    };

    [Theory]
    [MemberData(nameof(Ways))]
    public async Task Recordings_are_cut_as_the_options_say(string way)
    {
        await using WhisperTranscriber transcriber = new(demo.Model);
        List<double> positions = [];
        TranscriptionOptions options = Greedy with { Windows = Settings[way] };
        Transcript transcript = await transcriber.TranscribeAsync(TestData.Path("audio", "long-en.wav"), options, new Positions(positions)).ToTranscriptAsync();

        Assert.NotEmpty(transcript.Segments);
        Recordings.AssertSame(Expected(Settings[way]), transcript.Segments);
        Assert.Equal(positions.Order(), positions);
        Assert.Equal((double)Long.Length / AudioClip.SampleRate, positions[^1], 0.01);
    }

    [Fact]
    public async Task Callers_of_all_kinds_at_once_get_what_each_gets_alone()
    {
        string[] clips = [.. Enumerable.Range(1, 6).Select(i => TestData.Path("audio", $"{i:00}-en.wav"))];
        (string Clip, TranscriptionOptions Options)[] calls =
        [
            .. clips.SelectMany(clip => Settings.Values.Select(windows => (clip, Greedy with { Windows = windows }))),
            .. clips.Select(clip => (clip, Greedy with { Windows = new() { BatchSize = 3 }, WordTimestamps = true, Decoding = new() { Language = "en", BeamSize = 2 } })),
        ];
        await using WhisperTranscriber transcriber = new(demo.Model);
        List<Transcript> alone = [];
        foreach ((string clip, TranscriptionOptions options) in calls)
        {
            alone.Add(await transcriber.TranscribeAsync(clip, options).ToTranscriptAsync());
        }

        Transcript[] together = await Task.WhenAll(calls.AsParallel().AsOrdered().Select(call => transcriber.TranscribeAsync(call.Clip, call.Options).ToTranscriptAsync()));
        Assert.All(alone.Zip(together), pair => Recordings.AssertSame(pair.First.Segments, pair.Second.Segments));
    }

    [Fact]
    public async Task Callers_that_wait_share_the_batches_of_whoever_is_before_them()
    {
        TranscriptionQueue queue = new(demo.Model);
        TaskCompletionSource gate = new();
        List<string> log = [];
        queue.TryAdd(new Logged("gate", log, sharesBatches: false, _ => { }, _ => gate.Task.Wait()));
        foreach ((string name, int? batchSize) in new (string, int?)[] { ("a", 3), ("b", 8), ("c", 2), ("d", 4), ("alone", null), ("e", 4) })
        {
            PreparedRecording recording = PreparedRecording.Of(Recordings.Samples("01-en.wav"), Greedy with { Windows = new() { BatchSize = batchSize } });
            ITranscriptionRun? run = null;
            queue.TryAdd(new Logged(name, log, sharesBatches: batchSize is not null, engine => run = engine.Start(recording), _ =>
            {
                Assert.Equal("Please play rock music in the garage.", string.Concat(run!.Segments().Select(segment => segment.Text)).Trim());
                run.Dispose();
            }));
        }

        queue.Close();
        gate.SetResult();
        await queue.Ended;

        // A batch of a's takes three windows; then d wants four, but who does not share batches keeps its place.
        Assert.Equal("begin gate, end gate, begin a, begin b, begin c, end a, end b, end c, begin d, end d, begin alone, end alone, begin e, end e", string.Join(", ", log));
    }

    [Fact]
    public async Task Who_leaves_a_shared_batch_disturbs_nobody_in_it()
    {
        await using WhisperTranscriber transcriber = new(demo.Model);
        using CancellationTokenSource cancel = new();
        TranscriptionOptions options = Greedy with { Windows = new() { BatchSize = 2 } };
        Task<Transcript>[] others = [.. Enumerable.Range(0, 3).Select(_ => transcriber.TranscribeAsync(Long, options).ToTranscriptAsync())];
        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () =>
        {
            await foreach (Segment _ in transcriber.TranscribeAsync(Repeated(20), options, cancellation: cancel.Token))
            {
                await cancel.CancelAsync();
            }
        });
        await foreach (Segment _ in transcriber.TranscribeAsync(Repeated(20), options))
        {
            break;
        }

        Segment[] expected = Expected(options.Windows);
        Assert.All(await Task.WhenAll(others), transcript => Recordings.AssertSame(expected, transcript.Segments));
    }

    [Fact]
    public async Task Disposal_cancels_who_shares_batches()
    {
        WhisperTranscriber transcriber = new(demo.Model);
        TranscriptionOptions options = Greedy with { Windows = new() { BatchSize = 2 } };
        await using IAsyncEnumerator<Segment> running = transcriber.TranscribeAsync(Repeated(20), options).GetAsyncEnumerator();
        Assert.True(await running.MoveNextAsync());
        Task<Transcript> waiting = transcriber.TranscribeAsync(Long, options).ToTranscriptAsync();
        await transcriber.DisposeAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => waiting);
        await Assert.ThrowsAsync<ObjectDisposedException>(() => transcriber.TranscribeAsync(Long, options).ToTranscriptAsync());
    }

    public static TheoryData<string, string> Contradictions => new()
    {
        { "batch size", "batch_size must be from 1 to 256, but it is 0." },
        { "overlap and filter", "chunk_length cuts by the clock, and vad_filter at silences: give only one of them." },
        { "speech unasked", "There are options about speech, but nothing looks for it: give vad_filter or batch_size as well." },
        { "clips and filter", "clip_timestamps names what to transcribe, and so does vad_filter: give only one of them." },
        { "hallucinations and overlap", "hallucination_silence_threshold moves windows, and chunk_length fixes them: give only one of them." },
        { "thresholds", "neg_threshold is 0.6, above the threshold of 0.5, so that speech would end before it begins." },
        { "long window", "chunk_length must be from 1 to 30 s, which is what the model hears at once, but it is 31." },
        { "longest of no windows", "There is a longest window, but nothing cuts recordings at silences: give batch_size as well." },
        { "stride", "a stride of 5 s on both sides leaves less than 0.5 s of a window of 10 s: make it smaller." },
        { "clip behind the end", "A clip begins at 1000 s, but the recording ends at 83.78 s." },
    };

    [Theory]
    [MemberData(nameof(Contradictions))]
    public async Task What_makes_no_sense_is_told_to_its_caller(string what, string sentence)
    {
        TranscriptionOptions options = what switch
        {
            "batch size" => Greedy with { Windows = new() { BatchSize = 0 } },
            "overlap and filter" => Greedy with { Windows = new() { VadFilter = true, Overlap = new() } },
            "speech unasked" => Greedy with { Windows = new() { VoiceActivity = new() } },
            "clips and filter" => Greedy with { Windows = new() { VadFilter = true }, Clips = [3, 4] },
            "hallucinations and overlap" => Greedy with { Windows = new() { Overlap = new() }, HallucinationSilenceThreshold = 1, WordTimestamps = true },
            "thresholds" => Greedy with { Windows = new() { BatchSize = 2, VoiceActivity = new() { NegativeThreshold = 0.6 } } },
            "long window" => Greedy with { Windows = new() { BatchSize = 2, LongestSeconds = 31 } },
            "longest of no windows" => Greedy with { Windows = new() { VadFilter = true, LongestSeconds = 20 } },
            "stride" => Greedy with { Windows = new() { Overlap = new(10, 5) } },
            _ => Greedy with { Windows = new() { BatchSize = 2 }, Clips = [1000] },
        };
        await using WhisperTranscriber transcriber = new(demo.Model);
        Task<Transcript> wrong = transcriber.TranscribeAsync(Long, options).ToTranscriptAsync();
        Task<Transcript> right = transcriber.TranscribeAsync(TestData.Path("audio", "01-en.wav"), Greedy with { Windows = new() { BatchSize = 2 } }).ToTranscriptAsync();
        Assert.Equal(sentence, (await Assert.ThrowsAsync<OptionsException>(() => wrong)).Message);
        Assert.NotEmpty((await right).Segments);
    }

    [Fact]
    public async Task Samples_that_are_no_sound_never_come_into_a_batch()
    {
        float[] broken = [.. Recordings.Samples("01-en.wav")];
        broken[4711] = float.NaN;
        await using WhisperTranscriber transcriber = new(demo.Model);
        TranscriptionOptions options = Greedy with { Windows = new() { BatchSize = 2 } };
        Task<Transcript> wrong = transcriber.TranscribeAsync(broken, options).ToTranscriptAsync(), right = transcriber.TranscribeAsync(Long, options).ToTranscriptAsync();
        Assert.Contains("sample 4711", (await Assert.ThrowsAsync<AudioException>(() => wrong)).Message, StringComparison.Ordinal);
        Assert.NotEmpty((await right).Segments);
    }

    [Fact]
    public async Task Clips_are_the_windows_of_a_batch()
    {
        TranscriptionOptions options = Greedy with { Windows = new() { BatchSize = 2 }, Clips = [0, 10, 50, 60] };
        SpeechWindow[] windows = [new([new(0, 160_000)]), new([new(800_000, 960_000)])];
        Assert.Equal(windows.Select(window => window.Regions), PreparedRecording.Of(Long, options).Windows!.Select(window => window.Regions));
        await using WhisperTranscriber transcriber = new(demo.Model);
        Transcript transcript = await transcriber.TranscribeAsync(Long, options).ToTranscriptAsync();
        Recordings.AssertSame(Recordings.OneByOne(demo.Model, Long, windows, Greedy), transcript.Segments);
    }

    // faster-whisper 1.2.1, transcribe.py, BatchedInferencePipeline.transcribe: VadOptions(max_speech_duration_s=chunk_length,
    // min_silence_duration_ms=160) finds the speech, collect_chunks(max_duration=chunk_length) packs it. With vad_parameters of its
    // own it takes 2000 ms; here the threshold changes nothing else.
    [Theory]
    [InlineData(30, null)]
    [InlineData(12, null)]
    [InlineData(5, null)]
    [InlineData(5, 0.3)]
    public void Speech_is_cut_into_windows_of_the_length_that_was_asked_for(double seconds, double? threshold)
    {
        VoiceActivityOptions speech = VoiceActivityOptions.ForWindows with { Threshold = threshold ?? 0.5 };
        WindowOptions options = new() { BatchSize = 2, LongestSeconds = seconds, VoiceActivity = threshold is null ? null : speech };
        IReadOnlyList<SpeechRegion> regions = SpeechRegions.Find(Model.VoiceActivity.SileroVad.Load(TestData.Weights("silero-vad")), Long, speech with { MaxSpeechSeconds = seconds });
        IReadOnlyList<SpeechWindow> expected = SpeechWindows.Collect(regions, (int)(seconds * AudioClip.SampleRate)), windows = PreparedRecording.Of(Long, Greedy with { Windows = options }).Windows!;
        Assert.Equal(expected.Select(window => window.Regions), windows.Select(window => window.Regions));
        Assert.All(windows, window => Assert.InRange(window.Seconds, 0, seconds));
        Assert.True(windows.Count >= 60 / seconds, $"{windows.Count} windows");
    }

    /// <summary>The same by the parts beneath, each of which has tests of its own.</summary>
    private Segment[] Expected(WindowOptions windows)
    {
        using Transcriber alone = new(demo.Model);
        using BatchedTranscriber batches = new(demo.Model);
        if (windows.Overlap is { } overlap)
        {
            return [.. batches.Start(Long, overlap, Greedy).Segments()];
        }

        IReadOnlyList<SpeechRegion> Speech(VoiceActivityOptions initially) =>
            SpeechRegions.Find(Model.VoiceActivity.SileroVad.Load(TestData.Weights("silero-vad")), Long, windows.VoiceActivity ?? initially);

        return windows switch
        {
            { BatchSize: not null } => Recordings.OneByOne(demo.Model, Long, SpeechWindows.Collect(
                Speech(VoiceActivityOptions.ForWindows with { MaxSpeechSeconds = windows.LongestSeconds }), (int)(windows.LongestSeconds * AudioClip.SampleRate)), Greedy),
            { VadFilter: true } => [.. new SpeechOnlyRun(alone, Long, Speech(new()), Greedy).Segments()],
            _ => [.. alone.Transcribe(Long, Greedy).Segments],
        };
    }

    private static float[] Repeated(int times) => [.. Enumerable.Repeat(Long, times).SelectMany(samples => samples)];

    private sealed class Positions(List<double> positions) : IProgress<TranscriptionProgress>
    {
        public void Report(TranscriptionProgress value) => positions.Add(value.Position);
    }

    /// <summary>Work that notes when it begins and when it has ended.</summary>
    private sealed class Logged(string name, List<string> log, bool sharesBatches, Action<RecordingTranscriber> begin, Action<RecordingTranscriber> finish) : IQueuedWork
    {
        public bool SharesBatches => sharesBatches;

        public void Begin(RecordingTranscriber engine)
        {
            log.Add($"begin {name}");
            begin(engine);
        }

        public void Finish(RecordingTranscriber engine)
        {
            finish(engine);
            log.Add($"end {name}");
        }

        public void Fail(Exception failure) => log.Add($"fail {name}");
    }
}
