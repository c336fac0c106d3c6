using Handwritten.Model;
using Handwritten.Model.Tokenization;
using Handwritten.Runtime.Decoding;

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
/// <param name="decoder">Decodes a window.</param>
/// <param name="tokenizer">Turns tokens into text.</param>
/// <param name="options">The rules.</param>
/// <param name="frames">Log-mel frames of the recording.</param>
internal sealed class SeekLoop(IWindowDecoder decoder, WhisperTokenizer tokenizer, TranscriptionOptions options, int frames)
{
    /// <summary>The first frame that has not been transcribed.</summary>
    public int Seek { get; private set; }

    /// <summary>Transcribes window after window, as the segments are asked for.</summary>
    /// <exception cref="OperationCanceledException">Cancelled; the segments so far stand.</exception>
    public IEnumerable<Segment> Run(CancellationToken cancellation)
    {
        // All text so far, and from where on it is the next window's prompt.
        List<int> history = options.InitialPrompt is { } prompt ? [.. tokenizer.Encode(" " + PythonText.Strip(prompt))] : [];
        int promptBegin = 0;
        int nextId = 0;

        while (Seek < frames)
        {
            int size = Math.Min(WhisperAudio.WindowFrames, frames - Seek);
            DecodingResult result = decoder.Decode(Seek, size, options.Decoding with { Prompt = history[promptBegin..] }, cancellation);
            if (IsSilence(result))
            {
                Seek += size;
                continue;
            }

            (List<SegmentCutter.Piece> pieces, int advance) = SegmentCutter.Cut(result.Tokens, tokenizer.Special.TimestampBegin, Seek, size);
            int windowSeek = Seek;
            Seek += advance;
            foreach (SegmentCutter.Piece piece in pieces)
            {
                Segment segment = ToSegment(piece, result, nextId++, windowSeek);
                history.AddRange(segment.Tokens);
                yield return segment;
            }

            if (!options.ConditionOnPreviousText)
            {
                promptBegin = history.Count;
            }
        }
    }

    private bool IsSilence(DecodingResult result) =>
        result.NoSpeechProbability > options.NoSpeechThreshold
        && !(result.AverageLogProbability > options.LogProbabilityThreshold);

    private Segment ToSegment(SegmentCutter.Piece piece, DecodingResult result, int id, int seek)
    {
        string text = tokenizer.Decode([.. piece.Tokens.Where(token => token < tokenizer.Special.EndOfText)]);

        // A segment of no length or no text keeps its place in the numbering, but says nothing.
        bool empty = piece.Start == piece.End || PythonText.Strip(text).Length == 0;
        return new Segment(
            id,
            seek,
            piece.Start,
            piece.End,
            empty ? "" : text,
            empty ? [] : piece.Tokens,
            result.Temperature,
            result.AverageLogProbability,
            result.CompressionRatio,
            result.NoSpeechProbability,
            empty ? [] : null);
    }
}
