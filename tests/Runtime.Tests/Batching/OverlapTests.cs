using System.Text.Json;
using Handwritten.Model.Tokenization;
using Handwritten.Runtime.Batching;
using Handwritten.Runtime.Decoding;
using Handwritten.Runtime.Transcription;
using Handwritten.Tests;
using Xunit;

namespace Handwritten.Runtime.Tests.Batching;

/// <summary>Windows that overlap: how they are cut, how their texts are put together, and what comes of it.</summary>
public class OverlapTests(DemoModel demo) : IClassFixture<DemoModel>
{
    private const int Second = 16_000;

    [Fact]
    public void Windows_go_on_by_what_the_strides_leave_of_them()
    {
        Assert.Equal(
            [
                new(0, 30 * Second, 0, 5 * Second, false),
                new(20 * Second, 30 * Second, 5 * Second, 5 * Second, false),
                new(40 * Second, 25 * Second, 5 * Second, 0, true),
            ],
            new OverlappingWindows(30, 5).Cut(65 * Second));
        Assert.Equal(new OverlappingWindows(30, 5).Cut(65 * Second), new OverlappingWindows().Cut(65 * Second));
        Assert.Equal([new(0, 30 * Second, 0, 0, true)], new OverlappingWindows().Cut(30 * Second));
        Assert.Equal([new(0, 100, 0, 0, true)], new OverlappingWindows().Cut(100));
        Assert.Empty(new OverlappingWindows().Cut(0));

        // What the window before has heard to its end needs no window of its own.
        Assert.Single(new OverlappingWindows(10, 0).Cut(10 * Second));
        Assert.Equal(2, new OverlappingWindows(10, 0).Cut((10 * Second) + 1).Count());
    }

    [Theory]
    [InlineData(31, null, "chunk_length must be from 1 to 30 s")]
    [InlineData(double.NaN, null, "chunk_length must be from 1 to 30 s")]
    [InlineData(30.0, -1.0, "stride must not be below 0")]
    [InlineData(30.0, 14.9, "leaves less than 0.5 s of a window")]
    public void Refuses_lengths_that_make_no_sense(double length, double? stride, string message) =>
        Assert.Contains(message, Assert.Throws<OptionsException>(() => new OverlappingWindows(length, stride).Verify()).Message, StringComparison.Ordinal);

    [Theory]
    [InlineData("abc", "bcde", "abcde")] // the original's own cases
    [InlineData("abcdefg", "bcde", "abcde")]
    [InlineData("abc", "def", "abcdef")]
    [InlineData("abcdX", "bYdefg", "abcdefg")]
    [InlineData("abc", "cde", "abccde")] // one equal token is no overlap
    [InlineData("", "abc", "abc")]
    [InlineData("abc", "", "abc")]
    [InlineData("abcabc", "abcd", "abcabcd")] // the shorter shift that fits wins
    public void Texts_are_put_together_where_most_of_their_tokens_are_equal(string left, string right, string merged) =>
        Assert.Equal(merged, string.Concat(TokenOverlap.Merge([Tokens(left), Tokens(right)]).Select(token => (char)token.Token)));

    [Fact]
    public void Three_texts_are_put_together_one_after_the_other() =>
        Assert.Equal("abcdefgh", string.Concat(TokenOverlap.Merge([Tokens("abcd"), Tokens("bcdef"), Tokens("efgh")]).Select(token => (char)token.Token)));

    [Fact]
    public void A_segment_that_ends_in_a_stride_is_ended_by_the_next_window()
    {
        // Windows of 30 s at 0 and at 20: "b c d" is cut by the first one's end, and begins before the second one.
        (double Start, double End, string Text)[] segments = Merge(
            duration: 50,
            (new(0, 30 * Second, 0, 5 * Second, false), "<0.00> a<4.00><4.00> b c d<29.98>"),
            (new(20 * Second, 30 * Second, 5 * Second, 0, true), "<0.00> c d e<9.00><9.00> f<12.00>"));
        Assert.Equal([(0, 4, " a"), (4, 29, " b c d e"), (29, 32, " f")], segments);
    }

    [Fact]
    public void A_timestamp_in_the_left_stride_ends_nothing()
    {
        (double Start, double End, string Text)[] segments = Merge(
            duration: 50,
            (new(0, 30 * Second, 0, 5 * Second, false), "<0.00> a b c<24.00><24.00> d e<28.00>"),
            (new(20 * Second, 30 * Second, 5 * Second, 0, true), "<4.00> d e<8.00><8.00> f<20.00>"));
        Assert.Equal([(0, 24, " a b c"), (24, 28, " d e"), (28, 40, " f")], segments);
    }

    [Fact]
    public void What_is_left_open_ends_with_the_recording()
    {
        Assert.Equal([(2, 10, " a b")], Merge(duration: 10, (new(0, 10 * Second, 0, 0, true), "<2.00> a b")));
        Assert.Equal([(0, 10, " a b")], Merge(duration: 10, (new(0, 10 * Second, 0, 0, true), " a b")));
        Assert.Empty(Merge(duration: 10, (new(0, 10 * Second, 0, 0, true), "")));
        Assert.Empty(Merge(duration: 10, (new(0, 10 * Second, 0, 0, true), "<1.00><2.00>")));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(4)]
    public void A_long_recording_has_about_the_words_that_were_said(int batchSize)
    {
        float[] samples = Recordings.Samples("long-en.wav");
        TranscriptionOptions options = new() { Decoding = new() { Language = "en" } };
        using BatchedTranscriber transcriber = new(demo.Model);
        using BatchedRun run = transcriber.Start(samples, new OverlappingWindows(), options.InBatchesOf(batchSize));
        Segment[] segments = [.. run.Segments()];

        using JsonDocument manifest = JsonDocument.Parse(File.ReadAllBytes(TestData.Path("audio", "manifest.json")));
        string said = manifest.RootElement.GetProperty("clips").EnumerateArray().Single(clip => clip.GetProperty("file").GetString() == "long-en.wav").GetProperty("text").GetString()!;
        string[] words = WordErrors.Words(said);
        double rate = (double)WordErrors.Count(words, WordErrors.Words(run.Transcript.Text)) / words.Length;

        // The model card says 22 % for long recordings; windows that begin in the middle of a word cost some.
        Assert.InRange(rate, 0, 0.45);
        Assert.InRange(segments.Length, 20, 40);
        Assert.All(segments.Zip(segments.Skip(1)), pair => Assert.True(pair.First.End <= pair.Second.Start, $"{pair}"));
    }

    [Fact]
    public void The_text_is_the_same_with_words_and_the_words_make_up_the_text()
    {
        float[] samples = Recordings.Samples("long-en.wav");
        TranscriptionOptions options = new() { Decoding = new() { Language = "en" } };
        Segment[][] runs = [.. new[] { false, true }.Select(words =>
        {
            using BatchedTranscriber transcriber = new(demo.Model);
            return (Segment[])[.. transcriber.Start(samples, new OverlappingWindows(), (options with { WordTimestamps = words }).InBatchesOf(3)).Segments()];
        })];
        Assert.Equal(runs[0].Select(segment => segment.Text), runs[1].Select(segment => segment.Text));
        Assert.All(runs[1], segment => Assert.Equal(segment.Text, string.Concat(segment.Words!.Select(word => word.Text))));
        Word[] all = [.. runs[1].SelectMany(segment => segment.Words!)];
        Assert.All(all, word => Assert.True(word.Start <= word.End, $"{word}"));
        Assert.InRange(all.Zip(all.Skip(1)).Count(pair => pair.First.End <= pair.Second.Start + 0.02) / (double)all.Length, 0.95, 1);
    }

    private static TimedToken[] Tokens(string letters) => [.. letters.Select(letter => new TimedToken(letter))];

    /// <summary>Merges windows whose texts are written with their timestamps.</summary>
    private static (double Start, double End, string Text)[] Merge(double duration, params (OverlappingStretch Stretch, string Text)[] windows)
    {
        WhisperTokenizer tokenizer = Tokenizers.Named("multilingual");
        OverlapMerger merger = new(tokenizer, new(), duration);
        DecodingResult scores = new([], "", -0.5, 0.1, 1, 0, []);
        return [.. windows.SelectMany(window => merger.Add([.. Parse(window.Text)], window.Stretch, scores, "en")).Select(segment => (segment.Start, segment.End, segment.Text))];

        IEnumerable<TimedToken> Parse(string text)
        {
            foreach (string part in text.Split('<'))
            {
                int end = part.IndexOf('>', StringComparison.Ordinal);
                if (end >= 0)
                {
                    double time = double.Parse(part[..end], System.Globalization.CultureInfo.InvariantCulture);
                    yield return new TimedToken(tokenizer.Special.TimestampBegin + (int)Math.Round(time / 0.02));
                }

                foreach (int token in tokenizer.Encode(part[(end + 1)..]))
                {
                    yield return new TimedToken(token);
                }
            }
        }
    }
}
