using Handwritten.Kernels;
using Handwritten.Runtime.Batching;
using Handwritten.Runtime.Decoding;
using Handwritten.Runtime.Transcription;
using Handwritten.Runtime.VoiceActivity;
using Xunit;

namespace Handwritten.Runtime.Tests.Batching;

/// <summary>Windows side by side say what each says alone, in the order of their recordings.</summary>
public class BatchedTranscriberTests(DemoModel demo) : IClassFixture<DemoModel>
{
    private static readonly TranscriptionOptions Greedy = new() { Decoding = new() { Language = "en" } };

    private static readonly Dictionary<string, TranscriptionOptions> Ways = new()
    {
        ["greedy"] = Greedy,
        ["words"] = Greedy with { WordTimestamps = true },
        ["beams"] = Greedy with { Decoding = new() { Language = "en", BeamSize = 3 } },
        ["rules about repetitions"] = Greedy with { Decoding = new() { Language = "en", NoRepeatNgramSize = 3, RepetitionPenalty = 1.1 } },

        // A threshold that about half of the windows miss, so that these are drawn again, three texts each.
        ["fallback"] = Greedy with { Decoding = new() { Language = "en", BestOf = 3, Seed = 7 }, LogProbabilityThreshold = -0.15, Temperatures = [0, 0.4, 0.8] },
        ["prompt"] = Greedy with { InitialPrompt = "Set a timer.", Hotwords = "Rome Sydney" },
    };

    public static TheoryData<string, int> WaysAndSizes()
    {
        TheoryData<string, int> all = [];
        foreach (string way in Ways.Keys)
        {
            foreach (int size in new[] { 1, 2, 5 })
            {
                all.Add(way, size);
            }
        }

        return all;
    }

    [Theory]
    [MemberData(nameof(WaysAndSizes))]
    public void Says_of_every_window_what_it_says_alone(string way, int batchSize)
    {
        using BatchedTranscriber transcriber = new(demo.Model);
        string[] files = ["long-en.wav", "10-en.wav", "11-en.wav"];
        float[][] samples = [.. files.Select(Recordings.Samples)];
        BatchedRun[] runs = [.. samples.Select(recording => transcriber.Start(recording, Recordings.Windows(recording), Ways[way].InBatchesOf(batchSize)))];
        int attempts = 0;
        for (int i = 0; i < files.Length; i++)
        {
            Segment[] expected = Recordings.OneByOne(demo.Model, samples[i], Recordings.Windows(samples[i]), Ways[way]);
            Segment[] actual = [.. runs[i].Segments()];
            Recordings.AssertSame(expected, actual);
            Assert.NotEmpty(actual);
            Assert.Equal(actual, runs[i].Transcript.Segments);
            Assert.Equal(runs[i].Duration, runs[i].Position);
            attempts += actual.Count(segment => segment.Temperature > 0);
        }

        Assert.True(attempts > 0 == (way == "fallback"), $"{attempts} segments took a higher temperature");
    }

    [Fact]
    public void A_window_whose_recording_is_cancelled_meanwhile_leaves_with_its_spectrogram_or_not_at_all()
    {
        float[] samples = Recordings.Samples("01-en.wav");
        using BatchedTranscriber transcriber = new(demo.Model);
        BatchedWindow window = transcriber.Start(samples, [Whole(samples)], Greedy).Windows[0];
        Tensor mel = window.Mel(demo.Model.Network.Frontend);

        // Not yet cancelled at the first look, but at any other.
        int looks = 0;
        transcriber.Remove(_ => looks++ > 0);
        Assert.Same(mel, window.Mel(demo.Model.Network.Frontend));
        transcriber.Remove(_ => true);
        Assert.NotSame(mel, window.Mel(demo.Model.Network.Frontend));
        window.Dispose();
        Assert.Equal(1, looks);
    }

    [Fact]
    public void Windows_of_several_recordings_share_a_batch()
    {
        float[][] samples = [.. new[] { "01-en.wav", "02-en.wav", "03-en.wav", "04-en.wav" }.Select(Recordings.Samples)];
        using BatchedTranscriber transcriber = new(demo.Model);
        Queue<BatchedRun> started = [];
        transcriber.More = () =>
        {
            if (started.Count == samples.Length)
            {
                return false;
            }

            started.Enqueue(transcriber.Start(samples[started.Count], [Whole(samples[started.Count])], Greedy.InBatchesOf(3)));
            return true;
        };
        Assert.True(transcriber.More());
        Segment[] first = [.. started.Peek().Segments()];

        // The first recording alone filled a third of the batch; the next two came along, the last did not.
        Assert.Equal([true, true, true], started.Select(run => run.Windows.All(window => window.Next is null)));
        Assert.NotEmpty(first);
    }

    [Fact]
    public void Each_recording_has_its_own_language()
    {
        using BatchedTranscriber transcriber = new(demo.Model);
        float[][] samples = [.. new[] { "12-es.wav", "10-en.wav", "13-de.wav", "14-fr.wav" }.Select(Recordings.Samples)];
        BatchedRun[] runs = [.. samples.Select(recording => transcriber.Start(recording, [Whole(recording)], new TranscriptionOptions().InBatchesOf(8)))];
        Assert.Equal(["es", "en", "de", "fr"], runs.Select(run => run.Language));
        Assert.All(runs.Zip(samples), pair => Assert.Equal(
            Recordings.OneByOne(demo.Model, pair.Second, [Whole(pair.Second)], new() { Decoding = new() { Language = pair.First.Language } }).Select(segment => segment.Text),
            pair.First.Segments().Select(segment => segment.Text)));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    public void Several_windows_may_be_asked_for_the_language(int segments)
    {
        // Spanish and then twice as much English; no window is ever sure.
        float[] es = Recordings.Samples("12-es.wav"), en = Recordings.Samples("10-en.wav"), samples = [.. es, .. en, .. en];
        SpeechWindow[] windows =
        [
            new([new(0, es.Length)]),
            new([new(es.Length, es.Length + en.Length)]),
            new([new(es.Length + en.Length, samples.Length)]),
        ];
        using BatchedTranscriber transcriber = new(demo.Model);
        using BatchedRun run = transcriber.Start(samples, windows, new TranscriptionOptions { LanguageDetectionSegments = segments, LanguageDetectionThreshold = 1 }.InBatchesOf(2));
        Assert.Equal(segments == 1 ? "es" : "en", run.Language);
    }

    [Fact]
    public void Each_window_may_have_its_own_language()
    {
        float[] es = Recordings.Samples("12-es.wav"), en = Recordings.Samples("10-en.wav"), samples = [.. es, .. en];
        using BatchedTranscriber transcriber = new(demo.Model);
        using BatchedRun run = transcriber.Start(samples, [new([new(0, es.Length)]), new([new(es.Length, samples.Length)])], new TranscriptionOptions { Multilingual = true }.InBatchesOf(2));
        Segment[] segments = [.. run.Segments()];
        Assert.Equal(["es", "en"], segments.Select(segment => segment.Language).Distinct());
    }

    [Fact]
    public void Silence_and_recordings_without_speech_say_nothing()
    {
        using BatchedTranscriber transcriber = new(demo.Model);
        float[] noise = Recordings.Samples("silence-noise.wav");
        Assert.Empty(transcriber.Start(noise, Recordings.Windows(noise), Greedy.InBatchesOf(2)).Segments());
        Assert.All(transcriber.Start(noise, [Whole(noise)], Greedy.InBatchesOf(2)).Segments(), segment => Assert.Equal("", segment.Text));
        Assert.Empty(transcriber.Start(Array.Empty<float>(), [], Greedy.InBatchesOf(2)).Segments());
        Assert.Empty(transcriber.Start(new float[100], [Whole(new float[100])], Greedy.InBatchesOf(2)).Segments());
    }

    [Fact]
    public void Recordings_of_different_options_share_a_batch()
    {
        // Other searches, temperatures, prompts, batch sizes and languages, and a window of each in the first batch.
        string[] files = ["01-en.wav", "02-en.wav", "03-en.wav", "12-es.wav", "04-en.wav", "05-en.wav"];
        float[][] samples = [.. files.Select(Recordings.Samples)];
        TranscriptionOptions[] options = [.. Ways.Values.Select((way, i) => (i == 3 ? way with { Decoding = way.Decoding with { Language = null } } : way).InBatchesOf(6 - i))];
        using BatchedTranscriber transcriber = new(demo.Model);
        BatchedRun[] runs = [.. samples.Zip(options, (recording, own) => transcriber.Start(recording, [Whole(recording)], own))];
        Segment[][] found = [.. runs.Select(run => (Segment[])[.. run.Segments()])];
        Assert.Equal("es", runs[3].Language);
        for (int i = 0; i < runs.Length; i++)
        {
            TranscriptionOptions alone = options[i] with { Decoding = options[i].Decoding with { Language = runs[i].Language } };
            Recordings.AssertSame(Recordings.OneByOne(demo.Model, samples[i], [Whole(samples[i])], alone), found[i]);
        }
    }

    [Fact]
    public void A_cancelled_recording_disturbs_no_other()
    {
        float[] samples = Recordings.Samples("long-en.wav");
        IReadOnlyList<SpeechWindow> windows = Recordings.Windows(samples);
        using BatchedTranscriber transcriber = new(demo.Model);
        using CancellationTokenSource cancel = new();
        BatchedRun cancelled = transcriber.Start(samples, windows, Greedy.InBatchesOf(1), cancel.Token), other = transcriber.Start(samples, windows, Greedy.InBatchesOf(1));
        using (cancelled)
        {
            Assert.Throws<OperationCanceledException>(() =>
            {
                foreach (Segment _ in cancelled.Segments())
                {
                    cancel.Cancel();
                }
            });
            Assert.NotEmpty(cancelled.Transcript.Segments);
            Assert.InRange(cancelled.Position, 1, cancelled.Duration - 1);
        }

        Recordings.AssertSame(Recordings.OneByOne(demo.Model, samples, windows, Greedy), [.. other.Segments()]);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(257)]
    public void Refuses_absurd_sizes(int batchSize)
    {
        using BatchedTranscriber transcriber = new(demo.Model);
        OptionsException refused = Assert.Throws<OptionsException>(() => transcriber.Start(new float[100], [], Greedy.InBatchesOf(batchSize)));
        Assert.Equal($"batch_size must be from 1 to 256, but it is {batchSize}.", refused.Message);
    }

    [Fact]
    public void What_no_window_could_begin_with_is_refused_before_the_first()
    {
        TranscriptionOptions crowded = Greedy with { InitialPrompt = string.Concat(Enumerable.Repeat(" word", 300)), Decoding = new() { Language = "en", MaxNewTokens = 300 } };
        using BatchedTranscriber transcriber = new(demo.Model);
        OptionsException refused = Assert.Throws<OptionsException>(() => transcriber.Start(new float[100], [], crowded.InBatchesOf(2)));
        Assert.Contains("max_new_tokens must be at most", refused.Message, StringComparison.Ordinal);
    }

    private static SpeechWindow Whole(float[] samples) => new([new(0, samples.Length)]);
}
