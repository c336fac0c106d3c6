using Handwritten.Model;
using Handwritten.Model.Tokenization;
using Handwritten.Runtime.Decoding;
using Handwritten.Runtime.Transcription;
using Handwritten.Runtime.Transcription.Words;

namespace Handwritten.Runtime.Batching;

/// <summary>
/// Turns the texts of overlapping windows into segments. Timestamps end a segment only outside the strides: what lies in a
/// stride is left open until the next window has been heard, and then both texts of it are put together.
/// <code>
///     window 1   &lt;0.0&gt; a b &lt;3.2&gt;&lt;3.2&gt; c d e &lt;9.8&gt;        &lt;9.8&gt; is in the right stride: "c d e" stays open
///     window 2                      &lt;0.0&gt; d e f &lt;4.1&gt; ...   begins at 6.0: &lt;0.0&gt; is in the left stride, &lt;4.1&gt; ends it
///     segments   0.0 – 3.2 "a b"    3.2 – 10.1 "c d e f"
/// </code>
/// Source: Hugging Face transformers, tokenization_whisper.py, WhisperTokenizer._decode_asr. Beyond the original, times never
/// go back, an open end is the recording's, and segments carry the scores of the window that ended them.
/// </summary>
/// <param name="tokenizer">Turns tokens into text.</param>
/// <param name="options">Whether there are words, and what punctuation joins them.</param>
/// <param name="duration">Seconds of the recording.</param>
internal sealed class OverlapMerger(WhisperTokenizer tokenizer, TranscriptionOptions options, double duration)
{
    private readonly List<TimedToken[]> _open = [];
    private double? _start;
    private double _lastEnd;
    private bool _skipNext;

    /// <summary>Takes the text of a window.</summary>
    /// <param name="tokens">Text and timestamps.</param>
    /// <param name="stretch">Where the window lies.</param>
    /// <param name="result">Its scores.</param>
    /// <param name="language">Its language.</param>
    /// <returns>The segments that are complete; with the recording's last window, the rest.</returns>
    public IReadOnlyList<Segment> Add(TimedToken[] tokens, OverlappingStretch stretch, DecodingResult result, string? language)
    {
        int timestampBegin = tokenizer.Special.TimestampBegin;
        double offset = Seconds(stretch.Start), leftStride = Seconds(stretch.Left);
        int rightStrideBegins = RightStrideBegins(tokens, stretch);
        List<Segment> segments = [];
        List<TimedToken> text = [];
        foreach (TimedToken token in tokens)
        {
            if (token.Token < tokenizer.Special.EndOfText)
            {
                text.Add(token);
            }

            if (token.Token < timestampBegin)
            {
                continue;
            }

            double inWindow = (token.Token - timestampBegin) * WhisperAudio.SecondsPerTimestamp;
            double time = WordTimestamps.Round(inWindow + offset);
            if (token.Token >= rightStrideBegins)
            {
                // Timestamps come in pairs: the one that begins what follows is passed over as well.
                _skipNext = true;
            }
            else if (_skipNext || (_open.Count > 0 && inWindow < leftStride))
            {
                _skipNext = false;
            }
            else if (_start is null)
            {
                _start = time;
            }
            else if (time != _start)
            {
                _open.Add([.. text]);
                text.Clear();
                Close(segments, time, stretch, result, language);
            }
        }

        if (text.Count > 0)
        {
            _open.Add([.. text]);
        }
        else if (_open.All(part => part.Length == 0))
        {
            _open.Clear();
            _start = null;
        }

        if (stretch.IsLast && _open.Count > 0)
        {
            Close(segments, duration, stretch, result, language);
        }

        return segments;
    }

    private static double Seconds(int samples) => (double)samples / WhisperAudio.SampleRate;

    /// <summary>
    /// The first timestamp token that counts as lying in the right stride: the last one always does, since the window's end
    /// has cut what it ends.
    /// </summary>
    private int RightStrideBegins(TimedToken[] tokens, OverlappingStretch stretch)
    {
        int begins = int.MaxValue;
        if (stretch.Right == 0)
        {
            return begins;
        }

        double strideStart = Seconds(stretch.Length - stretch.Right);
        foreach (int token in tokens.Select(timed => timed.Token).Where(token => token >= tokenizer.Special.TimestampBegin).Reverse())
        {
            if (begins != int.MaxValue && (token - tokenizer.Special.TimestampBegin) * WhisperAudio.SecondsPerTimestamp < strideStart)
            {
                break;
            }

            begins = token;
        }

        return begins;
    }

    /// <summary>Puts the open texts together to a segment, if they say anything.</summary>
    private void Close(List<Segment> segments, double end, OverlappingStretch stretch, DecodingResult result, string? language)
    {
        TimedToken[] tokens = TokenOverlap.Merge(_open);
        _open.Clear();
        int[] ids = [.. tokens.Select(token => token.Token)];
        string text = tokenizer.Decode(ids);
        double start = Math.Max(_lastEnd, _start ?? _lastEnd);
        SegmentDraft draft = new(start, Math.Max(start, end), ids);
        _start = null;
        if (PythonText.Strip(text).Length == 0)
        {
            return;
        }

        if (options.WordTimestamps)
        {
            WordTimestamps.Add([draft], Words(tokens, ids, language), seek: 0, tokenizer.Special.EndOfText, options, _lastEnd);
            draft.End = Math.Max(draft.Start, draft.End);
        }

        _lastEnd = draft.End;
        segments.Add(new Segment(
            Id: 0,
            stretch.Start / WhisperAudio.HopLength,
            draft.Start,
            draft.End,
            text,
            ids,
            result.Temperature,
            result.AverageLogProbability,
            result.CompressionRatio,
            result.NoSpeechProbability,
            options.WordTimestamps ? draft.Words : null,
            options.Multilingual ? language : null));
    }

    /// <summary>
    /// The words of a text whose halves were heard in different windows: from the first token's word's beginning to the last
    /// one's end. Source: _collate_word_timestamps.
    /// </summary>
    private List<WordTiming> Words(TimedToken[] tokens, int[] ids, string? language)
    {
        List<WordTiming> words = [];
        double time = _lastEnd;
        int first = 0;
        foreach (WordTokens word in tokenizer.SplitToWords([.. ids, tokenizer.Special.EndOfText], tokenizer.Special.ResolveLanguage(language)).SkipLast(1))
        {
            Span<TimedToken> parts = tokens.AsSpan(first, word.Tokens.Length);
            double start = Math.Max(time, parts[0].Start), sum = 0;
            time = Math.Max(start, parts[^1].End);
            foreach (TimedToken part in parts)
            {
                sum += part.Probability;
            }

            words.Add(new WordTiming(word.Text, word.Tokens, start, time, sum / parts.Length));
            first += parts.Length;
        }

        return words;
    }
}
