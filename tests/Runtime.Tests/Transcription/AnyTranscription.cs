using Handwritten.Model;
using Handwritten.Model.Tokenization;
using Handwritten.Runtime.Batching;
using Handwritten.Runtime.Decoding;
using Handwritten.Runtime.Transcription;
using Xunit;

namespace Handwritten.Runtime.Tests.Transcription;

/// <summary>Options and sounds at random, and what holds of every transcription.</summary>
internal static class AnyTranscription
{
    private const int FirstTimestamp = 50364;

    /// <summary>A refusal is a sentence.</summary>
    public static void AssertSentence(OptionsException refused) => Assert.Matches(@"^[A-Za-z].* .*\.$", refused.Message);

    /// <summary>
    /// A model that was trained on windows of 30 seconds may name any time in them, also behind the sound, as in the original.
    /// Where no token names a time, none does: the segment ends with the sound. (Segments of overlapping windows have their times by
    /// tokens that they do not keep.)
    /// </summary>
    public static void AssertEnds(Segment segment, TranscriptionOptions options, double duration)
    {
        bool namesTime = options.Windows.Overlap is not null || segment.Tokens.Count == 0 || segment.Tokens.Any(token => token >= FirstTimestamp);
        Assert.InRange(segment.End, 0, duration + (namesTime || options.WordTimestamps ? WhisperAudio.WindowSeconds : 1e-9));
    }

    /// <summary>Segments have their numbers, times in their window and in order, and numbers that are numbers.</summary>
    public static void AssertSensible(Segment[] segments, TranscriptionOptions options, int frames)
    {
        Assert.Equal(Enumerable.Range(0, segments.Length), segments.Select(segment => segment.Id));
        foreach (Segment segment in segments)
        {
            double window = segment.Seek / 100.0;
            Assert.InRange(segment.Seek, 0, Math.Max(0, frames - 1));
            Assert.True(segment.Start <= segment.End, $"{segment}");
            Assert.True(segment.Start >= 0 && segment.End <= window + 30 + 1e-9, $"{segment}");
            AssertEnds(segment, options, (double)frames / WhisperAudio.FramesPerSecond);
            Assert.True(double.IsFinite(segment.AverageLogProbability) && double.IsFinite(segment.CompressionRatio), $"{segment}");
            Assert.InRange(segment.NoSpeechProbability, 0, 1);
            Assert.True(segment.Text.Length > 0 || segment.Tokens.Count == 0, $"{segment}");
            foreach (Word word in segment.Words ?? [])
            {
                Assert.True(word.Start >= 0 && word.Start <= word.End && word.End <= window + 30 + 1e-9, $"{word}");
                Assert.InRange(word.Probability, 0, 1);
            }
        }

        // Words may move a segment's beginning a little into the one before, as in the original; time marks do not.
        if (!options.WordTimestamps)
        {
            foreach (IGrouping<int, Segment> window in segments.Where(segment => segment.Text.Length > 0).GroupBy(segment => segment.Seek))
            {
                Assert.All(window.Zip(window.Skip(1)), pair => Assert.True(pair.First.End <= pair.Second.Start + 1e-9, $"{pair}"));
            }
        }
    }

    /// <summary>Options of all kinds, those that make no sense among them.</summary>
    public static TranscriptionOptions Options(Random random, WhisperTokenizer tokenizer)
    {
        bool Sometimes() => random.Next(4) == 0;
        T? Maybe<T>(Func<T> value)
            where T : struct => Sometimes() ? value() : null;

        int? beams = Maybe(() => random.Next(0, 6));
        return new TranscriptionOptions
        {
            Decoding = new DecodingOptions
            {
                Language = Sometimes() ? "de" : "en",
                Task = Sometimes() ? SpeechTask.Translate : SpeechTask.Transcribe,
                BeamSize = beams,
                BestOf = Maybe(() => random.Next(0, 4)),
                Patience = Maybe(() => random.NextDouble() * 3),
                LengthPenalty = Maybe(() => (random.NextDouble() * 1.2) - 0.1),
                Seed = (ulong)random.NextInt64(),
                WithoutTimestamps = Sometimes(),
                MaxInitialTimestamp = Sometimes() ? (random.NextDouble() * 40) - 2 : 1,
                SuppressBlank = !Sometimes(),
                SuppressTokens = Sometimes() ? [] : Sometimes() ? [random.Next(-2, 51865), 50257] : [-1],
                Prefix = Sometimes() ? "The" : null,
                SampleLength = Maybe(() => random.Next(-1, 100)),
                MaxNewTokens = Maybe(() => random.Next(0, 100)),
                RepetitionPenalty = Sometimes() ? random.NextDouble() * 3 : 1,
                NoRepeatNgramSize = Sometimes() ? random.Next(0, 4) : 0,
            },
            Temperatures = Sometimes() ? [0] : Sometimes() ? [random.NextDouble() * 2] : Sometimes() ? [] : [0, 0.5, 1],
            CompressionRatioThreshold = Sometimes() ? null : random.NextDouble() * 3,
            LogProbabilityThreshold = Sometimes() ? null : -random.NextDouble() * 3,
            NoSpeechThreshold = Sometimes() ? null : random.NextDouble(),
            ConditionOnPreviousText = !Sometimes(),
            PromptResetOnTemperature = random.NextDouble(),
            InitialPrompt = Sometimes() ? new string('x', random.Next(500)) : null,
            CarryInitialPrompt = Sometimes(),
            Hotwords = Sometimes() ? "Ada Grace" : null,
            Clips = Sometimes() ? [.. Enumerable.Range(0, random.Next(5)).Select(_ => Math.Round(random.NextDouble() * 60, 2))] : [0],
            WordTimestamps = random.Next(2) == 0,
            PrependPunctuations = Sometimes() ? "" : "\"'“¿([{-",
            AppendPunctuations = Sometimes() ? "" : "\"'.。,，!！?？:：”)]}、",
            HallucinationSilenceThreshold = Maybe(() => (random.NextDouble() * 3) - 0.1),
            LanguageDetectionSegments = random.Next(0, 3),
        };
    }

    /// <summary>The same with one thing in it that nobody means: a number out of all proportion, a token that there is not, nothing at all.</summary>
    public static TranscriptionOptions Spoiled(Random random, TranscriptionOptions options)
    {
        double[] numbers = [double.NaN, double.PositiveInfinity, double.NegativeInfinity, double.MaxValue, -1e300, 1e300, double.Epsilon];
        int[] wholes = [int.MinValue, int.MaxValue, -1, 999_999];
        double number = numbers[random.Next(numbers.Length)];
        int whole = wholes[random.Next(wholes.Length)];
        (DecodingOptions decoding, WindowOptions windows) = (options.Decoding, options.Windows);
        Func<TranscriptionOptions>[] ways =
        [
            () => options with { Decoding = null! },
            () => options with { Decoding = decoding with { SuppressTokens = null! } },
            () => options with { Decoding = decoding with { SuppressTokens = [whole] } },
            () => options with { Decoding = decoding with { Task = (SpeechTask)whole } },
            () => options with { Decoding = decoding with { Prefix = Prompt.FromTokens([whole]) } },
            () => options with { Decoding = decoding with { Patience = number } },
            () => options with { Decoding = decoding with { LengthPenalty = number } },
            () => options with { Decoding = decoding with { MaxInitialTimestamp = number } },
            () => options with { Decoding = decoding with { SampleLength = whole } },
            () => options with { Decoding = decoding with { MaxNewTokens = whole } },
            () => options with { Decoding = decoding with { RepetitionPenalty = number } },
            () => options with { Decoding = decoding with { NoRepeatNgramSize = whole } },
            () => options with { Temperatures = null! },
            () => options with { Temperatures = [number] },
            () => options with { CompressionRatioThreshold = number },
            () => options with { LogProbabilityThreshold = number },
            () => options with { NoSpeechThreshold = number },
            () => options with { PromptResetOnTemperature = number },
            () => options with { InitialPrompt = Prompt.FromTokens([whole]) },
            () => options with { Clips = null! },
            () => options with { Clips = [number] },
            () => options with { Clips = [2, number] },
            () => options with { PrependPunctuations = null! },
            () => options with { AppendPunctuations = null! },
            () => options with { HallucinationSilenceThreshold = number },
            () => options with { LanguageDetectionSegments = whole },
            () => options with { LanguageDetectionThreshold = number },
            () => options with { Windows = null! },
            () => options with { Windows = windows with { BatchSize = whole } },
            () => options with { Windows = windows with { LongestSeconds = number } },
            () => options with { Windows = windows with { Overlap = new OverlappingWindows(number) } },
            () => options with { Windows = windows with { Overlap = new OverlappingWindows(5, number) } },
            () => options with { Windows = windows with { VadFilter = true, VoiceActivity = new() { MaxSpeechSeconds = number } } },
            () => options with { Windows = windows with { VadFilter = true, VoiceActivity = new() { PaddingMilliseconds = whole } } },
        ];
        return ways[random.Next(ways.Length)]();
    }

    /// <summary>Noise of up to eight seconds with a tone in it, loud, soft or silent.</summary>
    public static float[] Noise(Random random)
    {
        float[] samples = new float[random.Next(4) == 0 ? random.Next(400) : random.Next(8 * WhisperAudio.SampleRate)];
        double loudness = random.Next(3) switch { 0 => 0, 1 => 1e-3, _ => 1 }, pitch = random.NextDouble() * 4000;
        for (int i = 0; i < samples.Length; i++)
        {
            samples[i] = (float)(loudness * ((random.NextDouble() - 0.5) + (0.5 * Math.Sin(i * pitch * 2 * Math.PI / WhisperAudio.SampleRate))));
        }

        return samples;
    }
}
