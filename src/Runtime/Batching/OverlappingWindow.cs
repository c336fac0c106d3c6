using Handwritten.Kernels;
using Handwritten.Model;
using Handwritten.Runtime.Decoding;
using Handwritten.Runtime.Transcription;
using Handwritten.Runtime.Transcription.Words;

namespace Handwritten.Runtime.Batching;

/// <summary>
/// A window that overlaps with its neighbours. It is heard once; its text goes to the merger that all windows of the
/// recording share.
/// </summary>
internal sealed class OverlappingWindow : BatchedWindow
{
    private readonly ReadOnlyMemory<float> _recording;
    private readonly OverlappingStretch _stretch;
    private readonly OverlapMerger _merger;
    private readonly TranscriptionOptions _options;
    private readonly DecodingOptions _decoding;
    private readonly int _endOfText;
    private DecodingResult? _result;
    private string? _language;
    private TimedToken[] _tokens = [];

    /// <summary>Prepares.</summary>
    /// <param name="run">The recording that it is part of.</param>
    /// <param name="recording">That recording's samples.</param>
    /// <param name="stretch">What to hear of them.</param>
    /// <param name="merger">Puts the windows' texts together.</param>
    public OverlappingWindow(BatchedRun run, ReadOnlyMemory<float> recording, OverlappingStretch stretch, OverlapMerger merger)
        : base(run)
    {
        (_recording, _stretch, _merger, _options) = (recording, stretch, merger, run.Options);
        _endOfText = run.Model.Tokenizer.Special.EndOfText;
        _decoding = _options.Decoding with
        {
            Prompt = Prompt.FromTokens(new PromptHistory(_options, run.Model.Tokenizer, (run.Model.Dimensions.TextContext / 2) - 1).Next()),
            Seed = _options.Decoding.Seed + (ulong)(stretch.Start / WhisperAudio.HopLength),
        };
    }

    /// <inheritdoc/>
    public override (int Seek, int Frames)? Next => _result is null ? (0, WhisperAudio.WindowFrames) : null;

    /// <inheritdoc/>
    public override int AudioFrames => _stretch.Length / WhisperAudio.HopLength;

    /// <inheritdoc/>
    public override double End => (double)(_stretch.Start + _stretch.Length - _stretch.Right) / WhisperAudio.SampleRate;

    /// <inheritdoc/>
    public override DecodingOptions Options(string? language) => _decoding with { Language = language };

    /// <inheritdoc/>
    public override void Take(DecodingResult result, DecodingOptions options, Func<IReadOnlyList<int>, IReadOnlyList<WordTiming>> align)
    {
        (_result, _language) = (result, options.Language);
        if (TemperatureFallback.IsSilence(_options, result))
        {
            return;
        }

        double offset = (double)_stretch.Start / WhisperAudio.SampleRate;
        _tokens = [.. result.Tokens.Select(token => new TimedToken(token))];
        if (!_options.WordTimestamps)
        {
            return;
        }

        int place = 0;
        WordTiming? last = null;
        foreach (WordTiming word in align([.. result.Tokens.Where(token => token < _endOfText)]))
        {
            for (int missing = word.Tokens.Count; missing > 0; place++)
            {
                if (_tokens[place].Token < _endOfText)
                {
                    _tokens[place] = TimedAs(word, place);
                    missing--;
                }
            }

            last = word;
        }

        // Behind the longest text that can be aligned.
        for (; last is not null && place < _tokens.Length; place++)
        {
            _tokens[place] = TimedAs(last, place);
        }

        TimedToken TimedAs(WordTiming word, int index) => new(_tokens[index].Token, offset + word.Start, offset + word.End, word.Probability);
    }

    /// <inheritdoc/>
    public override IEnumerable<Segment> Segments() => _merger.Add(_tokens, _stretch, _result!, _language);

    /// <summary>As the original hears it: with silence up to 30 seconds, not with zeros in the spectrogram.</summary>
    protected override Tensor ComputeMel(LogMelFrontend frontend) =>
        frontend.Compute(_recording.Span.Slice(_stretch.Start, _stretch.Length), WhisperAudio.WindowSamples - _stretch.Length);
}
