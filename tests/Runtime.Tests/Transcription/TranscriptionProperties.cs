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
        TranscriptionOptions options = AnyTranscription.Options(random, tokenizer) with { Multilingual = random.Next(8) == 0 };
        int frames = random.Next(3) == 0 ? random.Next(200) : random.Next(12_000);
        options = random.Next(3) == 0 ? AnyTranscription.Spoiled(random, options) : options;
        Babble babble = new(random, tokenizer);
        Segment[] segments;
        try
        {
            options.Verify(51865);
            segments = [.. new SeekLoop(tokenizer, options, frames, textContext: 448).Run(babble, default)];
        }
        catch (OptionsException refused)
        {
            AnyTranscription.AssertSentence(refused);
            return;
        }

        AnyTranscription.AssertSensible(segments, options, frames);

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
        TranscriptionOptions options = AnyTranscription.Options(random, demo.Model.Tokenizer);
        options = options with { Decoding = options.Decoding with { SampleLength = random.Next(2) == 0 ? 30 : null } };
        float[] samples = AnyTranscription.Noise(random);
        options = random.Next(3) == 0 ? AnyTranscription.Spoiled(random, options) : options;
        int frames = samples.Length / WhisperAudio.HopLength;
        using Transcriber transcriber = new(demo.Model);
        try
        {
            // The run decodes; a loop of our own counts what it is asked for.
            using TranscriptionRun run = transcriber.Start(samples, options);
            Counter counter = new(run);
            options = options with { Decoding = options.Decoding with { Language = run.Language } };
            Segment[] segments = [.. new SeekLoop(demo.Model.Tokenizer, options, frames, textContext: 448).Run(counter, default)];
            AnyTranscription.AssertSensible(segments, options, frames);

            // Each window takes so many steps at most, and goes on by a frame at least.
            Assert.InRange(counter.Windows, 0, frames);
            Assert.InRange(counter.Steps, 0, counter.Windows * StepsOfAttempt * options.Temperatures.Count);
        }
        catch (OptionsException refused)
        {
            AnyTranscription.AssertSentence(refused);
        }
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
            return new DecodingResult(tokens, "", -random.NextDouble() * 2, random.NextDouble(), random.NextDouble() * 4, options.Temperature, new float[tokens.Count]);
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
