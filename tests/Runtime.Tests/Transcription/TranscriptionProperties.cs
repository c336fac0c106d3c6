using FsCheck;
using FsCheck.Xunit;
using Handwritten.Model;
using Handwritten.Model.Tokenization;
using Handwritten.Runtime.Decoding;
using Handwritten.Runtime.Transcription;
using Handwritten.Runtime.Transcription.Words;
using Xunit;

namespace Handwritten.Runtime.Tests.Transcription;

/// <summary>
/// Any options on any noise: it ends, after a bounded number of steps, with segments that make sense or with a sentence
/// about the options.
/// </summary>
public class TranscriptionProperties(DemoModel demo) : IClassFixture<DemoModel>
{
    /// <summary>Half of the decoder's context: what a window can say at each temperature.</summary>
    private const int StepsOfAttempt = 224;

    /// <summary>The loop alone, with a decoder that answers whatever the grammar of timestamps allows.</summary>
    [Property(MaxTest = 3000)]
    public void The_loop_ends_whatever_the_decoder_answers(DoNotSize<int> seed)
    {
        Random random = new(seed.Item);
        WhisperTokenizer tokenizer = Tokenizers.Named("multilingual");
        TranscriptionOptions options = RandomOptions(random, tokenizer) with { Multilingual = random.Next(8) == 0 };
        int frames = random.Next(3) == 0 ? random.Next(200) : random.Next(12_000);
        Babble babble = new(random, tokenizer);
        Segment[] segments;
        try
        {
            options.Verify(51865);
            segments = [.. new SeekLoop(tokenizer, options, frames, textContext: 448).Run(babble, default)];
        }
        catch (OptionsException refused)
        {
            AssertSentence(refused);
            return;
        }

        AssertSensible(segments, options, frames);

        // Every window goes on from the one before by a frame at least, so there are never more windows than frames in the clips.
        int inClips = ClipRanges.For(options.Clips, frames).Sum(clip => clip.End - clip.Start);
        Assert.InRange(babble.Windows, 0, inClips);
        Assert.InRange(babble.Attempts, babble.Windows, babble.Windows * options.Temperatures.Count);
    }

    /// <summary>The whole way with the demo model.</summary>
    [Property(MaxTest = 40)]
    public void Noise_gives_sensible_segments_or_a_sentence(DoNotSize<int> seed)
    {
        Random random = new(seed.Item);
        TranscriptionOptions options = RandomOptions(random, demo.Model.Tokenizer);
        options = options with { Decoding = options.Decoding with { SampleLength = random.Next(2) == 0 ? 30 : null } };
        float[] samples = Noise(random);
        int frames = samples.Length / WhisperAudio.HopLength;
        using Transcriber transcriber = new(demo.Model);
        try
        {
            // The run decodes; a loop of our own counts what it is asked for.
            using TranscriptionRun run = transcriber.Start(samples, options);
            Counter counter = new(run);
            options = options with { Decoding = options.Decoding with { Language = run.Language } };
            Segment[] segments = [.. new SeekLoop(demo.Model.Tokenizer, options, frames, textContext: 448).Run(counter, default)];
            AssertSensible(segments, options, frames);

            // Each window takes so many steps at most, and goes on by a frame at least.
            Assert.InRange(counter.Windows, 0, frames);
            Assert.InRange(counter.Steps, 0, counter.Windows * StepsOfAttempt * options.Temperatures.Count);
        }
        catch (OptionsException refused)
        {
            AssertSentence(refused);
        }
    }

    private static void AssertSentence(OptionsException refused) => Assert.Matches(@"^[A-Za-z].* .*\.$", refused.Message);

    private static void AssertSensible(Segment[] segments, TranscriptionOptions options, int frames)
    {
        Assert.Equal(Enumerable.Range(0, segments.Length), segments.Select(segment => segment.Id));
        foreach (Segment segment in segments)
        {
            double window = segment.Seek / 100.0;
            Assert.InRange(segment.Seek, 0, Math.Max(0, frames - 1));
            Assert.True(segment.Start <= segment.End, $"{segment}");
            Assert.True(segment.Start >= 0 && segment.End <= window + 30 + 1e-9, $"{segment}");
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

    private static TranscriptionOptions RandomOptions(Random random, WhisperTokenizer tokenizer)
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
                Prefix = Sometimes() ? tokenizer.Encode(" The") : [],
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

    private static float[] Noise(Random random)
    {
        float[] samples = new float[random.Next(4) == 0 ? random.Next(400) : random.Next(8 * WhisperAudio.SampleRate)];
        double loudness = random.Next(3) switch { 0 => 0, 1 => 1e-3, _ => 1 }, pitch = random.NextDouble() * 4000;
        for (int i = 0; i < samples.Length; i++)
        {
            samples[i] = (float)(loudness * ((random.NextDouble() - 0.5) + (0.5 * Math.Sin(i * pitch * 2 * Math.PI / WhisperAudio.SampleRate))));
        }

        return samples;
    }

    /// <summary>Answers at random: text that follows the grammar of timestamps, any scores, words anywhere in the window.</summary>
    private sealed class Babble(Random random, WhisperTokenizer tokenizer) : IWindowDecoder
    {
        public int Windows { get; private set; }

        public int Attempts { get; private set; }

        public void Listen(int seek, int frames, CancellationToken cancellation)
        {
            Assert.InRange(frames, 1, WhisperAudio.WindowFrames);
            Windows++;
        }

        public string DetectLanguage() => random.Next(2) == 0 ? "en" : "ja";

        public DecodingResult Decode(DecodingOptions options, CancellationToken cancellation)
        {
            options.Verify(51865);
            Attempts++;
            List<int> tokens = [];
            int time = random.Next(50);
            for (int pieces = random.Next(4); pieces >= 0 && !options.WithoutTimestamps; pieces--)
            {
                tokens.Add(tokenizer.Special.TimestampBegin + time);
                tokens.AddRange(Text());
                time = Math.Min(1500, time + 1 + random.Next(random.Next(2) == 0 ? 20 : 600));
                if (pieces > 0 || random.Next(2) == 0)
                {
                    tokens.Add(tokenizer.Special.TimestampBegin + time);
                }
            }

            tokens.AddRange(options.WithoutTimestamps ? Text() : []);
            return new DecodingResult(tokens, "", -random.NextDouble() * 2, random.NextDouble(), random.NextDouble() * 4, options.Temperature);
        }

        public IReadOnlyList<WordTiming> Align(IReadOnlyList<int> textTokens, DecodingOptions options, int frames)
        {
            double time = 0;
            double Next() => time = Math.Min(frames / 100.0, Math.Round(time + (random.Next(3) * random.NextDouble()), 2));
            return [.. tokenizer.SplitToWords([.. textTokens, tokenizer.Special.EndOfText], options.Language).SkipLast(1)
                .Select(word => new WordTiming(word.Text, word.Tokens, Next(), Next(), random.NextDouble()))];
        }

        private int[] Text() => random.Next(6) switch
        {
            0 => [13],
            1 => tokenizer.Encode(" "),
            _ => tokenizer.Encode(string.Concat(Enumerable.Range(0, random.Next(1, 12)).Select(_ => random.Next(5) == 0 ? "." : " word"))),
        };
    }

    /// <summary>Counts what a run is asked for.</summary>
    private sealed class Counter(IWindowDecoder run) : IWindowDecoder
    {
        public int Windows { get; private set; }

        public int Steps { get; private set; }

        public void Listen(int seek, int frames, CancellationToken cancellation)
        {
            Windows++;
            run.Listen(seek, frames, cancellation);
        }

        public string DetectLanguage() => run.DetectLanguage();

        public DecodingResult Decode(DecodingOptions options, CancellationToken cancellation)
        {
            DecodingResult result = run.Decode(options, cancellation);
            Steps += result.Tokens.Count;
            return result;
        }

        public IReadOnlyList<WordTiming> Align(IReadOnlyList<int> textTokens, DecodingOptions options, int frames) => run.Align(textTokens, options, frames);
    }
}
