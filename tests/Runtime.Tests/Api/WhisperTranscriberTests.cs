using Handwritten.Kernels;
using Handwritten.Model;
using Handwritten.Model.Tokenization;
using Handwritten.Runtime.Audio;
using Handwritten.Runtime.Decoding;
using Handwritten.Runtime.Transcription;
using Handwritten.Tests;
using Xunit;

namespace Handwritten.Runtime.Tests.Api;

/// <summary>The library as a program uses it: many callers, one engine, and what happens when somebody leaves.</summary>
public sealed class WhisperTranscriberTests(DemoModel demo) : IClassFixture<DemoModel>
{
    /// <summary>What takes longer will not end by itself.</summary>
    private static readonly TimeSpan HangLimit = TimeSpan.FromMinutes(2);

    private static string Clip(string name) => TestData.Path("audio", name);

    [Fact]
    public async Task Segments_are_those_of_the_transcriber_beneath()
    {
        using Transcriber plain = new(demo.Model);
        Transcript expected = plain.Transcribe(AudioFile.Load(Clip("long-en.wav")).Samples, new());

        await using WhisperTranscriber transcriber = new(demo.Model);
        List<Segment> segments = [];
        await foreach (Segment segment in transcriber.TranscribeAsync(Clip("long-en.wav")))
        {
            segments.Add(segment);
        }

        Assert.Equal(expected.Segments.Select(Line), segments.Select(Line));
        Transcript transcript = await transcriber.TranscribeAsync(Clip("long-en.wav")).ToTranscriptAsync();
        Assert.Equal((expected.Text, expected.Language), (transcript.Text, transcript.Language));
        Assert.Equal(segments.Select(Line), transcript.Segments.Select(Line));
    }

    [Fact]
    public async Task Many_callers_at_once_get_each_their_own_segments()
    {
        string[] clips = [.. Enumerable.Range(1, 11).Select(i => Clip($"{i:00}-en.wav"))];
        using Transcriber plain = new(demo.Model);
        string[] expected = [.. clips.Select(clip => plain.Transcribe(AudioFile.Load(clip).Samples, new()).Text)];

        await using WhisperTranscriber transcriber = new(demo.Model);
        Transcript[] transcripts = await Task.WhenAll(Enumerable.Range(0, 22).AsParallel().Select(async i =>
        {
            string clip = clips[i % clips.Length];
            return (i % 3) switch
            {
                0 => await transcriber.TranscribeAsync(clip).ToTranscriptAsync(),
                1 => await transcriber.TranscribeAsync(AudioFile.Load(clip).Samples).ToTranscriptAsync(),
                _ => await FromStream(clip),
            };
        }));

        Assert.Equal(Enumerable.Range(0, 22).Select(i => expected[i % clips.Length]).Order(), transcripts.Select(transcript => transcript.Text).Order());
        Assert.All(transcripts, transcript => Assert.Equal(Enumerable.Range(0, transcript.Segments.Count), transcript.Segments.Select(segment => segment.Id)));

        async Task<Transcript> FromStream(string clip)
        {
            await using FileStream file = File.OpenRead(clip);
            return await transcriber.TranscribeAsync(file).ToTranscriptAsync();
        }
    }

    [Fact]
    public async Task A_caller_that_takes_no_segments_holds_nobody_up()
    {
        await using WhisperTranscriber transcriber = new(demo.Model);
        await using IAsyncEnumerator<Segment> slow = transcriber.TranscribeAsync(Clip("long-en.wav")).GetAsyncEnumerator();
        Assert.True(await slow.MoveNextAsync());
        Transcript other = await transcriber.TranscribeAsync(Clip("01-en.wav")).ToTranscriptAsync();
        Assert.NotEmpty(other.Segments);
        Assert.True(await slow.MoveNextAsync());
        Assert.Equal(1, slow.Current.Id);
    }

    [Fact]
    public async Task A_caller_that_leaves_ends_its_transcription()
    {
        await using WhisperTranscriber transcriber = new(demo.Model);
        HeldSamples held = new(Minutes(5), reads: 1);
        await foreach (Segment _ in transcriber.TranscribeAsync(held.Memory, new() { Windows = new() { BatchSize = 1 } }))
        {
            // The engine has read one window, and is about to read the next.
            held.AwaitEngine();
            break;
        }

        held.Release();
        await transcriber.TranscribeAsync(Clip("01-en.wav")).ToTranscriptAsync();
        Assert.Equal(2, held.Count);
    }

    [Fact]
    public async Task A_caller_that_waits_in_the_queue_leaves_when_it_cancels()
    {
        await using WhisperTranscriber transcriber = new(demo.Model);
        HeldSamples held = new(AudioFile.Load(Clip("01-en.wav")).Samples);
        Task<Transcript> first = transcriber.TranscribeAsync(held.Memory).ToTranscriptAsync();
        held.AwaitEngine();

        using CancellationTokenSource cancel = new();
        Task recording = transcriber.TranscribeAsync(Clip("02-en.wav"), cancellation: cancel.Token).ToTranscriptAsync();
        Task question = transcriber.DetectLanguageAsync(Clip("02-en.wav"), cancel.Token);
        AwaitQueue(transcriber, 2);
        await cancel.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => recording.WaitAsync(HangLimit));
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => question.WaitAsync(HangLimit));
        Assert.Equal(0, transcriber.Waiting);

        held.Release();
        Assert.NotEmpty((await first).Segments);
    }

    [Fact]
    public async Task A_caller_leaves_when_it_cancels_though_a_batch_of_others_is_being_computed()
    {
        TranscriptionOptions batches = new() { Windows = new() { BatchSize = 4 } };
        await using WhisperTranscriber transcriber = new(demo.Model);
        HeldSamples queue = new(AudioFile.Load(Clip("01-en.wav")).Samples), batch = new(AudioFile.Load(Clip("01-en.wav")).Samples);
        Task<Transcript> first = transcriber.TranscribeAsync(queue.Memory).ToTranscriptAsync();
        queue.AwaitEngine();
        Task<Transcript> second = transcriber.TranscribeAsync(batch.Memory, batches).ToTranscriptAsync();
        AwaitQueue(transcriber, 1);
        using CancellationTokenSource cancel = new();
        Task third = transcriber.TranscribeAsync(Clip("02-en.wav"), batches, cancellation: cancel.Token).ToTranscriptAsync();
        AwaitQueue(transcriber, 2);

        // The third comes along with the second.
        queue.Release();
        batch.AwaitEngine();
        Assert.Equal(0, transcriber.Waiting);
        await cancel.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => third.WaitAsync(HangLimit));

        batch.Release();
        Assert.Equal((await first).Text, (await second).Text);
    }

    [Fact]
    public async Task A_caller_that_is_slow_to_hear_of_progress_holds_nobody_up()
    {
        await using WhisperTranscriber transcriber = new(demo.Model);
        using ManualResetEventSlim reached = new(), release = new();
        SynchronousProgress slow = new(_ =>
        {
            reached.Set();
            release.Wait();
        });
        Task<Transcript> held = Task.Run(() => transcriber.TranscribeAsync(Clip("long-en.wav"), progress: slow).ToTranscriptAsync());
        Assert.True(reached.Wait(HangLimit));
        Assert.NotEmpty((await transcriber.TranscribeAsync(Clip("01-en.wav")).ToTranscriptAsync().WaitAsync(HangLimit)).Segments);
        release.Set();
        Assert.NotEmpty((await held).Segments);
    }

    [Fact]
    public async Task A_caller_may_dispose_the_transcriber_where_it_hears_of_progress()
    {
        WhisperTranscriber transcriber = new(demo.Model);
        Task<Transcript> transcript = transcriber.TranscribeAsync(Minutes(5), progress: new SynchronousProgress(_ => transcriber.Dispose())).ToTranscriptAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => transcript.WaitAsync(HangLimit));
    }

    [Fact]
    public async Task A_caller_may_dispose_the_transcriber_where_it_hears_that_somebody_else_does()
    {
        WhisperTranscriber transcriber = new(demo.Model);
        await using SilentStream stream = new();
        Task caller = Transcribe();
        await transcriber.DisposeAsync().AsTask().WaitAsync(HangLimit);
        await caller.WaitAsync(HangLimit);

        async Task Transcribe()
        {
            try
            {
                await transcriber.TranscribeAsync(stream).ToTranscriptAsync().ConfigureAwait(false);
            }
            catch (OperationCanceledException)
            {
                transcriber.Dispose();
            }
        }
    }

    [Fact]
    public async Task Every_disposal_ends_when_the_engine_has_let_the_model_go()
    {
        WhisperTranscriber transcriber = new(demo.Model);
        HeldSamples held = new(AudioFile.Load(Clip("01-en.wav")).Samples);
        Task<Transcript> transcript = transcriber.TranscribeAsync(held.Memory).ToTranscriptAsync();
        held.AwaitEngine();
        Task[] disposals = [transcriber.DisposeAsync().AsTask(), transcriber.DisposeAsync().AsTask()];
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => transcript);
        Assert.All(disposals, disposal => Assert.False(disposal.IsCompleted));
        held.Release();
        await Task.WhenAll(disposals);
    }

    [Fact]
    public async Task Progress_reaches_the_end_and_never_goes_back()
    {
        await using WhisperTranscriber transcriber = new(demo.Model);
        Positions positions = new();
        await transcriber.TranscribeAsync(Clip("long-en.wav"), progress: positions).ToTranscriptAsync();
        Assert.Equal(positions.All.Order(), positions.All);
        Assert.Equal(1, positions.Last.Fraction);
        Assert.True(positions.All.Count > 2);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Cancellation_ends_a_transcription_and_leaves_the_transcriber_usable(bool whileEnumerating)
    {
        await using WhisperTranscriber transcriber = new(demo.Model);
        using CancellationTokenSource cancel = new();
        PendingTranscription pending = whileEnumerating ? transcriber.TranscribeAsync(Minutes(10)) : transcriber.TranscribeAsync(Minutes(10), cancellation: cancel.Token);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () =>
        {
            await foreach (Segment _ in pending.WithCancellation(whileEnumerating ? cancel.Token : default))
            {
                await cancel.CancelAsync();
            }
        });
        Assert.NotEmpty((await transcriber.TranscribeAsync(Clip("01-en.wav")).ToTranscriptAsync()).Segments);
    }

    [Fact]
    public async Task A_stream_that_never_gives_anything_holds_nobody_who_cancels()
    {
        await using WhisperTranscriber transcriber = new(demo.Model);
        await using SilentStream stream = new();
        using CancellationTokenSource cancel = new(TimeSpan.FromMilliseconds(50));
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => transcriber.TranscribeAsync(stream, cancellation: cancel.Token).ToTranscriptAsync());
    }

    [Fact]
    public async Task Disposal_cancels_what_is_under_way_and_what_waits()
    {
        WhisperTranscriber transcriber = new(demo.Model);
        await using IAsyncEnumerator<Segment> running = transcriber.TranscribeAsync(Minutes(10)).GetAsyncEnumerator();
        Assert.True(await running.MoveNextAsync());
        Task<Transcript> waiting = transcriber.TranscribeAsync(Clip("01-en.wav")).ToTranscriptAsync();

        await transcriber.DisposeAsync();
        await transcriber.DisposeAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => waiting);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () =>
        {
            while (await running.MoveNextAsync())
            {
                // What had been recognised is still given.
            }
        });
        await Assert.ThrowsAsync<ObjectDisposedException>(() => transcriber.TranscribeAsync(Clip("01-en.wav")).ToTranscriptAsync());
        await Assert.ThrowsAsync<ObjectDisposedException>(() => transcriber.DetectLanguageAsync(Clip("01-en.wav")));
    }

    [Fact]
    public async Task Failures_belong_to_their_caller()
    {
        await using WhisperTranscriber transcriber = new(demo.Model);
        Task<Transcript> missing = transcriber.TranscribeAsync("missing.wav").ToTranscriptAsync();
        Task<Transcript> contradiction = transcriber.TranscribeAsync(Clip("01-en.wav"), new() { Decoding = new() { Patience = 2 } }).ToTranscriptAsync();
        Task<Transcript> unknown = transcriber.TranscribeAsync(Clip("01-en.wav"), new() { Decoding = new() { Language = "klingon" } }).ToTranscriptAsync();
        Task<Transcript> good = transcriber.TranscribeAsync(Clip("01-en.wav"), new() { Decoding = new() { Language = "English" } }).ToTranscriptAsync();

        Assert.Contains("'missing.wav' does not exist", (await Assert.ThrowsAsync<AudioException>(() => missing)).Message, StringComparison.Ordinal);
        await Assert.ThrowsAsync<OptionsException>(() => contradiction);
        await Assert.ThrowsAsync<TokenizationException>(() => unknown);
        Assert.Equal("en", (await good).Language);
    }

    [Fact]
    public async Task No_samples_are_no_segments()
    {
        await using WhisperTranscriber transcriber = new(demo.Model);
        Assert.Empty((await transcriber.TranscribeAsync(ReadOnlyMemory<float>.Empty).ToTranscriptAsync()).Segments);
    }

    [Fact]
    public async Task Languages_are_detected_from_file_stream_and_samples()
    {
        await using WhisperTranscriber transcriber = new(demo.Model);
        await using FileStream file = File.OpenRead(Clip("14-fr.wav"));
        Assert.Equal("fr", (await transcriber.DetectLanguageAsync(Clip("14-fr.wav")))[0].Code);
        Assert.Equal("fr", (await transcriber.DetectLanguageAsync(file))[0].Code);
        Assert.Equal("fr", (await transcriber.DetectLanguageAsync(AudioFile.Load(Clip("14-fr.wav")).Samples))[0].Code);
    }

    [Fact]
    public void A_loaded_model_says_where_it_computes_and_a_missing_one_which_there_are()
    {
        using (WhisperTranscriber transcriber = WhisperTranscriber.Load("whisper-nano", new ModelLoadOptions { Device = ComputeDevice.Cpu, Threads = 1 }))
        {
            Assert.Equal("whisper-nano", transcriber.Model.Name);
            Assert.Contains("1 thread", transcriber.Model.Network.Kernels.DeviceDescription, StringComparison.Ordinal);
        }

        Assert.Contains("whisper-nano", Assert.Throws<ModelException>(() => WhisperTranscriber.Load("no-such-model")).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(float.NaN)]
    [InlineData(1e30f)]
    public async Task What_is_no_sound_has_no_language(float sample)
    {
        float[] samples = AudioFile.Load(Clip("01-en.wav")).Samples;
        samples[100] = sample;
        await using WhisperTranscriber transcriber = new(demo.Model);
        AudioException failure = await Assert.ThrowsAsync<AudioException>(() => transcriber.DetectLanguageAsync(samples));
        Assert.StartsWith("sample 100 of the recording is", failure.Message, StringComparison.Ordinal);
    }

    /// <summary>Waits until so many callers stand in the queue.</summary>
    private static void AwaitQueue(WhisperTranscriber transcriber, int callers) =>
        Assert.True(SpinWait.SpinUntil(() => transcriber.Waiting == callers, HangLimit));

    private static (double Start, double End, string Text, string Tokens) Line(Segment segment) => (segment.Start, segment.End, segment.Text, string.Join(' ', segment.Tokens));

    /// <summary>A recording that takes long: the same speech again and again.</summary>
    private static float[] Minutes(int minutes)
    {
        float[] clip = AudioFile.Load(Clip("long-en.wav")).Samples;
        float[] samples = new float[minutes * 60 * AudioClip.SampleRate];
        for (int start = 0; start < samples.Length; start += clip.Length)
        {
            clip.AsSpan(0, Math.Min(clip.Length, samples.Length - start)).CopyTo(samples.AsSpan(start));
        }

        return samples;
    }

    /// <summary>Keeps what is reported, in its order.</summary>
    private sealed class Positions : IProgress<TranscriptionProgress>
    {
        public List<double> All { get; } = [];

        public TranscriptionProgress Last { get; private set; }

        public void Report(TranscriptionProgress value)
        {
            Last = value;
            All.Add(value.Position);
        }
    }

    /// <summary>Hears of progress on whichever thread tells it.</summary>
    private sealed class SynchronousProgress(Action<TranscriptionProgress> hear) : IProgress<TranscriptionProgress>
    {
        public void Report(TranscriptionProgress value) => hear(value);
    }

    /// <summary>A pipe that nobody writes to, until it is closed.</summary>
    private sealed class SilentStream : MemoryStream
    {
        private readonly ManualResetEventSlim _closed = new();

        public override int Read(Span<byte> buffer)
        {
            _closed.Wait();
            return 0;
        }

        protected override void Dispose(bool disposing)
        {
            _closed.Set();
            base.Dispose(disposing);
        }
    }
}
