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
    private readonly IWindowDecoder _decoder;
    private readonly WhisperTokenizer _tokenizer;
    private readonly TranscriptionOptions _options;
    private readonly IReadOnlyList<(int Start, int End)> _clips;
    private readonly PromptHistory _history;
    private readonly HallucinationFilter? _hallucinations;
    private readonly int _frames;
    private double _lastSpeech;
    private int _nextId;

    /// <summary>Prepares.</summary>
    /// <param name="decoder">Decodes a window.</param>
    /// <param name="tokenizer">Turns tokens into text.</param>
    /// <param name="options">The rules.</param>
    /// <param name="frames">Log-mel frames of the recording.</param>
    /// <param name="textContext">Tokens that the decoder holds; half of them are for the prompt.</param>
    /// <exception cref="OptionsException">A clip begins behind the recording's end.</exception>
    public SeekLoop(IWindowDecoder decoder, WhisperTokenizer tokenizer, TranscriptionOptions options, int frames, int textContext)
    {
        (_decoder, _tokenizer, _options, _frames) = (decoder, tokenizer, options, frames);
        _clips = ClipRanges.For(options.Clips, frames);
        _history = new PromptHistory(options, tokenizer, (textContext / 2) - 1);
        _hallucinations = options is { WordTimestamps: true, HallucinationSilenceThreshold: double threshold } ? new HallucinationFilter(threshold, frames) : null;
    }

    /// <summary>The first frame that has not been transcribed.</summary>
    public int Seek { get; private set; }

    /// <summary>Transcribes window after window, as the segments are asked for.</summary>
    /// <exception cref="OperationCanceledException">Cancelled; the segments so far stand.</exception>
    public IEnumerable<Segment> Run(CancellationToken cancellation)
    {
        foreach ((int start, int end) in _clips)
        {
            Seek = start;
            while (Seek < end)
            {
                foreach (Segment segment in Window(Math.Min(WhisperAudio.WindowFrames, end - Seek), cancellation))
                {
                    yield return segment;
                }
            }
        }

        Seek = _frames;
    }

    /// <summary>Transcribes the window that begins at <see cref="Seek"/>, and moves on.</summary>
    private Segment[] Window(int size, CancellationToken cancellation)
    {
        int seek = Seek;
        _decoder.Listen(seek, size, cancellation);
        DecodingOptions options = _options.Decoding with { Prompt = _history.Prompt(), Seed = _options.Decoding.Seed + (ulong)seek };
        if (_options.Multilingual)
        {
            options = options with { Language = _decoder.DetectLanguage() };
        }

        DecodingResult result = TemperatureFallback.Decode(_options, options, attempt => _decoder.Decode(attempt, cancellation));
        if (IsSilence(result))
        {
            Seek += size;
            return [];
        }

        SegmentCutter.Cut cut = SegmentCutter.Apart(result.Tokens, _tokenizer.Special.TimestampBegin, seek, size);
        Seek += cut.Advance;
        if (_options.WordTimestamps && !FindWords(cut, options, seek, size))
        {
            return [];
        }

        Segment[] segments = [.. cut.Segments.Select(draft => ToSegment(draft, result, options, seek))];
        _history.Add(segments.SelectMany(segment => segment.Tokens));
        _history.EndWindow(result.Temperature);
        return segments;
    }

    private bool IsSilence(DecodingResult result) =>
        result.NoSpeechProbability > _options.NoSpeechThreshold
        && !(result.AverageLogProbability > _options.LogProbabilityThreshold);

    /// <summary>Gives the segments their words and lets the next window begin behind the last one.</summary>
    /// <returns>Whether the window counts; false if it is to be heard again from a later frame on.</returns>
    private bool FindWords(SegmentCutter.Cut cut, DecodingOptions options, int seek, int size)
    {
        int endOfText = _tokenizer.Special.EndOfText;
        int[] text = [.. cut.Segments.SelectMany(segment => segment.Tokens).Where(token => token < endOfText)];
        WordTimestamps.Add(cut.Segments, _decoder.Align(text, options, size), seek, endOfText, _options, _lastSpeech);

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
            _options.Multilingual ? options.Language : null);
    }
}
