using FsCheck;
using FsCheck.Xunit;
using Handwritten.Model;
using Handwritten.Runtime.Batching;
using Handwritten.Runtime.Decoding;
using Handwritten.Runtime.Tests.Batching;
using Handwritten.Runtime.Transcription;
using Handwritten.Runtime.VoiceActivity;
using Xunit;

namespace Handwritten.Runtime.Tests.Transcription;

/// <summary>
/// The whole way from samples to segments, by any combination of all options: batches, overlapping windows, voice activity,
/// beams, words, clips, hallucinations, languages. It ends after a bounded number of decoder steps for a second of sound, with
/// segments that make sense or with a sentence about the options.
/// </summary>
public class RecordingProperties(DemoModel demo) : IClassFixture<DemoModel>
{
    private static readonly float[] Speech = Recordings.Samples("10-en.wav");

    [Property(MaxTest = 100)]
    public void Any_options_on_any_sound_end_with_segments_or_a_sentence(DoNotSize<int> seed)
    {
        Random random = new(seed.Item);
        TranscriptionOptions options = Options(random, makesSense: random.Next(4) > 0);
        float[] samples = Sound(random);
        double duration = (double)samples.Length / WhisperAudio.SampleRate;
        using RecordingTranscriber transcriber = new(demo.Model);
        Segment[] segments;
        PreparedRecording recording;
        try
        {
            recording = PreparedRecording.Of(samples, options);
            using ITranscriptionRun run = transcriber.Start(recording);
            segments = [.. run.Segments()];
            Assert.Equal(segments, run.Transcript.Segments);
            Assert.Contains(run.Language, demo.Model.Tokenizer.Special.LanguageCodes);
        }
        catch (OptionsException refused)
        {
            AnyTranscription.AssertSentence(refused);
            return;
        }

        AssertSensible(segments, options, duration);

        Assert.InRange(transcriber.Steps, 0, StepBound.Of(recording, demo.Model.Dimensions.TextContext));
    }

    /// <summary>
    /// What <see cref="StepBound"/> allows is for the worst of texts; the usual ones stay far from it. Measured: 33 steps for a
    /// second of sound in which something is heard, all cases together, and none takes more than 1.4 times as many steps as the
    /// longest text at each temperature would for every second and one more. Twice that is allowed.
    /// </summary>
    [Fact]
    public void Few_steps_are_taken_for_a_second_of_sound()
    {
        (double seconds, long steps, int heard, int many) = (0, 0, 0, 0);
        for (int seed = 0; seed < 200; seed++)
        {
            Random random = new(seed);
            TranscriptionOptions options = Options(random, makesSense: true) with { Clips = [0] };
            PreparedRecording recording = PreparedRecording.Of(Sound(random), options);
            double duration = (double)recording.Samples.Length / WhisperAudio.SampleRate;
            if (duration < 1 || StepBound.Of(recording, demo.Model.Dimensions.TextContext) == 0)
            {
                continue; // there is nothing to hear, or not for a second
            }

            using RecordingTranscriber transcriber = new(demo.Model);
            transcriber.Transcribe(recording);
            double texts = (double)transcriber.Steps / (options.Temperatures.Count * StartSequence.SampleLength(options.Decoding, demo.Model.Dimensions.TextContext));
            (seconds, steps, heard, many) = (seconds + duration, steps + transcriber.Steps, heard + 1, many + (texts > 2.8 * (1 + duration) ? 1 : 0));
        }

        Assert.InRange(heard, 60, 200);
        Assert.InRange(many, 0, 1);
        Assert.InRange(steps / seconds, 1, 66);
    }

    private static void AssertSensible(Segment[] segments, TranscriptionOptions options, double duration)
    {
        Assert.Equal(Enumerable.Range(0, segments.Length), segments.Select(segment => segment.Id));
        foreach (Segment segment in segments)
        {
            Assert.InRange(segment.Seek, 0, duration * WhisperAudio.FramesPerSecond);
            Assert.True(segment.Start >= 0 && segment.Start <= segment.End, $"{segment}");

            // A model that was trained on windows of 30 seconds may name any time in them, and words end with them.
            Assert.InRange(segment.End, 0, duration + WhisperAudio.WindowSeconds);
            Assert.True(double.IsFinite(segment.AverageLogProbability) && double.IsFinite(segment.CompressionRatio), $"{segment}");
            Assert.InRange(segment.NoSpeechProbability, 0, 1);
            foreach (Word word in segment.Words ?? [])
            {
                Assert.True(word.Start >= 0 && word.Start <= word.End && word.End <= duration + WhisperAudio.WindowSeconds, $"{word}");
                Assert.InRange(word.Probability, 0, 1);
            }
        }

        // Clips may be named in any order, and words may move a beginning a little into the segment before, as in the original.
        if (!options.WordTimestamps && options.Clips is [] or [0])
        {
            Assert.Equal(segments.Select(segment => segment.Seek).Order(), segments.Select(segment => segment.Seek));
            foreach (IGrouping<int, Segment> window in segments.GroupBy(segment => segment.Seek))
            {
                Assert.Equal(window.Select(segment => segment.Start).Order(), window.Select(segment => segment.Start));
            }
        }
    }

    /// <summary>Most of what is drawn contradicts itself; it is drawn again until it does not, if it is to make sense.</summary>
    private TranscriptionOptions Options(Random random, bool makesSense)
    {
        TranscriptionOptions options;
        do
        {
            options = AnyTranscription.Options(random, demo.Model.Tokenizer);
            options = options with
            {
                Decoding = options.Decoding with { Language = random.Next(3) == 0 ? null : options.Decoding.Language },
                LanguageDetectionThreshold = random.NextDouble(),
                Multilingual = random.Next(4) == 0,
                Windows = Windows(random),
            };
        }
        while (makesSense && !MakesSense(options));

        return options;
    }

    private bool MakesSense(TranscriptionOptions options)
    {
        try
        {
            options.Verify(demo.Model.Dimensions.Vocabulary);
            options.Windows.Verify(options);
            return true;
        }
        catch (OptionsException)
        {
            return false;
        }
    }

    private static WindowOptions Windows(Random random)
    {
        bool Sometimes() => random.Next(4) == 0;
        double length = 1 + (random.NextDouble() * 8);
        return new WindowOptions
        {
            BatchSize = random.Next(2) == 0 ? random.Next(0, 5) : null,
            VadFilter = random.Next(3) == 0,
            VoiceActivity = Sometimes()
                ? new VoiceActivityOptions
                {
                    Threshold = random.NextDouble(),
                    NegativeThreshold = Sometimes() ? random.NextDouble() : null,
                    MinSpeechMilliseconds = random.Next(-10, 500),
                    MaxSpeechSeconds = Sometimes() ? random.NextDouble() * 4 : double.PositiveInfinity,
                    MinSilenceMilliseconds = random.Next(2000),
                    PaddingMilliseconds = random.Next(500),
                }
                : null,
            Overlap = Sometimes() ? new OverlappingWindows(length, Sometimes() ? null : random.NextDouble() * length / 2) : null,
        };
    }

    /// <summary>Noise, and speech at a random place in half of it.</summary>
    private static float[] Sound(Random random)
    {
        float[] samples = AnyTranscription.Noise(random);
        if (random.Next(2) == 0)
        {
            int start = random.Next(Speech.Length), at = random.Next(samples.Length + 1), length = Math.Min(Speech.Length - start, samples.Length - at);
            Speech.AsSpan(start, length).CopyTo(samples.AsSpan(at));
        }

        return samples;
    }
}
