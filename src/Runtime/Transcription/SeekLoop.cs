using Handwritten.Model;
using Handwritten.Model.Tokenization;
using Handwritten.Runtime.Decoding;
using Handwritten.Runtime.Transcription.Words;

namespace Handwritten.Runtime.Transcription;

/// <summary>
/// The loop that turns a long recording into windows of 30 seconds and their tokens into segments. Each window begins
/// where the last complete segment of the one before ended, so that no word is cut in two:
/// <code>
///     frames   0        1000       2000       3000       4000       5000
///     window 1 ├─ segment ─┤├─ segment ─┤ cut │
///     window 2                          ├─ segment ────────┤├─ segment ──┤
/// </code>
/// Source: openai/whisper, transcribe.py, transcribe().
/// </summary>
internal sealed class SeekLoop
{
    private readonly WhisperTokenizer _tokenizer;
    private readonly TranscriptionOptions _options;
    private readonly IReadOnlyList<(int Start, int End)> _clips;
    private readonly PromptHistory _history;
    private readonly HallucinationFilter? _hallucinations;
    private readonly int _frames;
    private int _clip;
    private double _lastSpeech;
    private int _nextId;

    /// <summary>Prepares.</summary>
    /// <param name="tokenizer">Turns tokens into text.</param>
    /// <param name="options">The rules.</param>
    /// <param name="frames">Log-mel frames of the recording.</param>
    /// <param name="textContext">Tokens that the decoder holds; half of them are for the prompt.</param>
    /// <exception cref="OptionsException">A clip begins behind the recording's end.</exception>
    public SeekLoop(WhisperTokenizer tokenizer, TranscriptionOptions options, int frames, int textContext)
    {
        (_tokenizer, _options, _frames) = (tokenizer, options, frames);
        _clips = ClipRanges.For(options.Clips, frames);
        _history = new PromptHistory(options, tokenizer, (textContext / 2) - 1);
        _hallucinations = options is { WordTimestamps: true, HallucinationSilenceThreshold: double threshold } ? new HallucinationFilter(threshold, frames) : null;
        Seek = _clips.Count > 0 ? _clips[0].Start : frames;
    }

    /// <summary>The first frame that has not been transcribed.</summary>
    public int Seek { get; private set; }

    /// <summary>The window to hear next: its first frame, and its frames that hold audio; null at the end.</summary>
    public (int Seek, int Frames)? Next => _clip < _clips.Count ? (Seek, Math.Min(WhisperAudio.WindowFrames, _clips[_clip].End - Seek)) : null;

    /// <summary>Transcribes window after window, as the segments are asked for.</summary>
    /// <param name="decoder">Decodes a window.</param>
    /// <param name="cancellation">Checked now and then.</param>
    /// <exception cref="OperationCanceledException">Cancelled; the segments so far stand.</exception>
    public IEnumerable<Segment> Run(IWindowDecoder decoder, CancellationToken cancellation)
    {
        while (Next is (int seek, int frames))
        {
            decoder.Listen(seek, frames, cancellation);
            DecodingOptions options = Options(_options.Multilingual ? decoder.DetectLanguage() : _options.Decoding.Language);
            DecodingResult result = TemperatureFallback.Decode(_options, options, attempt => decoder.Decode(attempt, cancellation));
            foreach (Segment segment in Take(result, options, text => decoder.Align(text, options, frames)))
            {
                yield return segment;
            }
        }
    }

    /// <summary>How to decode the next window.</summary>
    /// <param name="language">Its language.</param>
    public DecodingOptions Options(string? language) =>
        _options.Decoding with { Prompt = Prompt.FromTokens(_history.Next()), Seed = _options.Decoding.Seed + (ulong)Seek, Language = language };

    /// <summary>Takes what the next window said, and moves on.</summary>
    /// <param name="result">What was decoded.</param>
    /// <param name="options">How.</param>
    /// <param name="align">Finds the words of a text in the window.</param>
    public Segment[] Take(DecodingResult result, DecodingOptions options, Func<IReadOnlyList<int>, IReadOnlyList<WordTiming>> align)
    {
        (int seek, int size) = Next ?? throw new InvalidOperationException("There is no further window.");
        Segment[] segments = Segments(result, options, align, seek, size);

        // A word's end that is a rounding error behind the window's beginning would have the original hear it again for ever.
        Seek = Math.Max(Seek, seek + 1);
        while (_clip < _clips.Count && Seek >= _clips[_clip].End)
        {
            Seek = ++_clip < _clips.Count ? _clips[_clip].Start : _frames;
        }

        return segments;
    }

    private Segment[] Segments(DecodingResult result, DecodingOptions options, Func<IReadOnlyList<int>, IReadOnlyList<WordTiming>> align, int seek, int size)
    {
        if (TemperatureFallback.IsSilence(_options, result))
        {
            Seek += size;
            return [];
        }

        SegmentCutter.Cut cut = SegmentCutter.Apart(result.Tokens, _tokenizer.Special.TimestampBegin, seek, size);
        Seek += cut.Advance;
        if (_options.WordTimestamps && !FindWords(cut, align, seek, size))
        {
            return [];
        }

        Segment[] segments = [.. cut.Segments.Select(draft => ToSegment(draft, result, options, seek))];
        _history.Add(segments.SelectMany(segment => segment.Tokens));
        _history.EndWindow(result.Temperature);
        return segments;
    }

    /// <summary>Gives the segments their words and lets the next window begin behind the last one.</summary>
    /// <returns>Whether the window counts; false if it is to be heard again from a later frame on.</returns>
    private bool FindWords(SegmentCutter.Cut cut, Func<IReadOnlyList<int>, IReadOnlyList<WordTiming>> align, int seek, int size)
    {
        int endOfText = _tokenizer.Special.EndOfText;
        int[] text = [.. cut.Segments.SelectMany(segment => segment.Tokens).Where(token => token < endOfText)];
        WordTimestamps.Add(cut.Segments, align(text), seek, endOfText, _options, _lastSpeech);

        double offset = (double)seek / WhisperAudio.FramesPerSecond;
        if (!cut.Closed && SegmentDraft.LastEnd(cut.Segments) is double end && end > offset)
        {
            Seek = (int)Math.Round(end * WhisperAudio.FramesPerSecond, MidpointRounding.ToEven);
        }

        bool counts = true;
        if (_hallucinations is not null)
        {
            (Seek, counts) = _hallucinations.Apply(cut.Segments, seek, size, cut.Closed, Seek, _lastSpeech);
        }

        _lastSpeech = SegmentDraft.LastEnd(cut.Segments) ?? _lastSpeech;
        return counts;
    }

    private Segment ToSegment(SegmentDraft draft, DecodingResult result, DecodingOptions options, int seek)
    {
        string text = _tokenizer.Decode([.. draft.Tokens.Where(token => token < _tokenizer.Special.EndOfText)]);

        // A segment of no length or no text keeps its place in the numbering, but says nothing.
        bool empty = draft.Start == draft.End || PythonText.Strip(text).Length == 0;
        return new Segment(
            _nextId++,
            seek,
            draft.Start,
            draft.End,
            empty ? "" : text,
            empty ? [] : draft.Tokens,
            result.Temperature,
            result.AverageLogProbability,
            result.CompressionRatio,
            result.NoSpeechProbability,
            empty ? [] : _options.WordTimestamps ? draft.Words : null,
            _options.Multilingual ? options.Language : null,
            empty ? [] : [.. result.TokenLogProbabilities.Skip(draft.First).Take(draft.Tokens.Count)]);
    }
}
