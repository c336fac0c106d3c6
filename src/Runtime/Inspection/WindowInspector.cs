using Handwritten.Kernels;
using Handwritten.Model;
using Handwritten.Model.Configuration;
using Handwritten.Model.Tokenization;
using Handwritten.Runtime.Decoding;
using Handwritten.Runtime.Transcription;
using Handwritten.Runtime.Transcription.Words;

namespace Handwritten.Runtime.Inspection;

/// <summary>
/// Looks into a model at work on one window of a recording: what it hears, what it chooses, how sure it is and where it
/// listens. The window is decoded once; then its tokens go through the decoder again, 32 at a time, and what passes by is kept.
/// </summary>
public sealed class WindowInspector : IDisposable
{
    private const int RowsAtOnce = 32;

    private readonly WhisperModel _model;
    private readonly EncoderState _encoder;
    private readonly DecoderState _decoder;
    private readonly DecodingOptions _options;
    private readonly int _frames;
    private int[]? _tokens;

    /// <summary>Encodes the window.</summary>
    /// <param name="model">The model; not disposed with the inspector.</param>
    /// <param name="samples">The whole recording: mono samples at 16 kHz in [−1, 1].</param>
    /// <param name="start">Where the window of up to 30 s begins, in seconds.</param>
    /// <param name="options">How it is decoded; the first temperature counts.</param>
    /// <param name="cancellation">Checked between the encoder's layers.</param>
    /// <exception cref="OptionsException">The options make no sense, or the window begins behind the recording's end.</exception>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    public WindowInspector(WhisperModel model, ReadOnlySpan<float> samples, double start, TranscriptionOptions options, CancellationToken cancellation = default)
    {
        options.Verify(model.Dimensions.Vocabulary);
        double seconds = (double)samples.Length / WhisperAudio.SampleRate;
        OptionsException.Require(start >= 0 && start < seconds, $"The window must begin in the recording of {seconds:0.00} s, but it is to begin at {start} s.");
        _model = model;
        _options = TemperatureFallback.At(options.Decoding, options.Temperatures[0]);
        _encoder = model.Network.Encoder.CreateState();
        _decoder = model.Network.Decoder.CreateState(lanes: _options.Lanes, outputs: Math.Max(RowsAtOnce, _options.Lanes));
        try
        {
            int seek = (int)(start * WhisperAudio.FramesPerSecond);
            using Tensor mel = model.Network.Frontend.Compute(samples, WhisperAudio.WindowSamples);
            _frames = Math.Clamp(mel.Shape[0] - WhisperAudio.WindowFrames - seek, 1, WhisperAudio.WindowFrames);
            model.Network.Kernels.CopyWindow(mel, seek, _frames, _encoder.LogMel, index: 0);
            model.Network.Encoder.Forward(_encoder, cancellation: cancellation);
            model.Network.Decoder.Listen(_decoder, _encoder.Output, 0);
            if (_options.Language is null && model.Tokenizer.Special.IsMultilingual)
            {
                using DecodingTask task = new(model, _decoder);
                _options = _options with { Language = task.DetectLanguage()[0].Code };
            }
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    private int HeardFrames => Math.Max(1, _frames / WhisperAudio.FramesPerTimestamp);

    /// <summary>What the encoder hears.</summary>
    public SpectrogramTrace Spectrogram()
    {
        int bands = _model.Dimensions.MelBins;
        float[] values = new float[_frames * bands];
        _model.Network.Kernels.Read(_encoder.LogMel, values);
        return new SpectrogramTrace(values, _frames, bands);
    }

    /// <summary>What is chosen, and what else might have been.</summary>
    /// <param name="rivals">How many other tokens to tell of, at least 1.</param>
    /// <param name="cancellation">Checked between two tokens.</param>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    public IReadOnlyList<TokenTrace> Probabilities(int rivals = 2, CancellationToken cancellation = default)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(rivals, 1);
        int[] tokens = [.. Decode(cancellation), _model.Tokenizer.Special.EndOfText];
        int[] start = StartSequence.For(_options, _model.Tokenizer, _model.Dimensions.TextContext).Tokens;
        List<TokenTrace> traces = [];
        Run([.. start, .. tokens[..^1]], null, (row, logits) =>
        {
            if (row >= start.Length - 1)
            {
                traces.Add(Trace(tokens[row - (start.Length - 1)], logits, rivals));
            }
        });
        return traces;
    }

    /// <summary>Where the decoder listens while it chooses.</summary>
    /// <param name="heads">Whose mean to take; empty for the alignment heads.</param>
    /// <param name="cancellation">Checked between two tokens.</param>
    /// <exception cref="OptionsException">The model has no such head.</exception>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    public AttentionTrace Attention(IReadOnlyList<AlignmentHead> heads, CancellationToken cancellation = default)
    {
        foreach (AlignmentHead head in heads)
        {
            OptionsException.Require(
                head.Layer >= 0 && head.Layer < _model.Dimensions.TextLayers && head.Head >= 0 && head.Head < _model.Dimensions.TextHeads,
                $"{_model.Name} has the decoder layers 0 to {_model.Dimensions.TextLayers - 1} with the heads 0 to {_model.Dimensions.TextHeads - 1}, but no head {head.Head} in layer {head.Layer}.");
        }

        heads = heads.Count > 0 ? heads : _model.Generation.AlignmentHeads;
        int[] tokens = [.. Decode(cancellation), _model.Tokenizer.Special.EndOfText];
        int[] start = StartSequence.For(_options, _model.Tokenizer, _model.Dimensions.TextContext).Tokens;
        int width = _model.Dimensions.AudioContext, frames = HeardFrames, rows = start.Length + tokens.Length - 1;
        CrossAttentionCapture capture = new(heads, rows, width);
        Run([.. start, .. tokens[..^1]], capture, (_, _) => { });
        float[] mean = new float[tokens.Length * frames];
        for (int i = 0; i < mean.Length; i++)
        {
            int place = ((start.Length - 1 + (i / frames)) * width) + (i % frames);
            mean[i] = capture.Weights.Sum(head => head[place]) / heads.Count;
        }

        return new AttentionTrace(Texts(tokens), frames, mean);
    }

    /// <summary>How the tokens find their places in time, as word timestamps do.</summary>
    /// <param name="cancellation">Checked between two tokens.</param>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    public AlignmentTrace Alignment(CancellationToken cancellation = default)
    {
        SpecialTokens special = _model.Tokenizer.Special;
        int[] start = [.. special.StartSequence(_options.Language, _options.Task), special.NoTimestamps];
        int[] text = [.. Decode(cancellation).Where(token => token < special.EndOfText).Take(_model.Dimensions.TextContext - start.Length - 1)];
        int[] tokens = [.. start, .. text, special.EndOfText];
        int width = _model.Dimensions.AudioContext, frames = HeardFrames;
        CrossAttentionCapture capture = new(_model.Generation.AlignmentHeads, tokens.Length, width);
        Run(tokens, capture, (_, _) => { });

        // The row of a token is the step that chose the next one; the first such row is that of the last start token.
        float[] matrix = AttentionMatrix.Compute(capture.Weights, tokens.Length, width, frames)[((start.Length - 1) * frames)..^frames];
        (int[] rows, int[] columns) = DynamicTimeWarping.Path([.. matrix.Select(value => -value)], text.Length + 1, frames);
        return new AlignmentTrace(Texts([.. text, special.EndOfText]), frames, matrix, [.. rows.Zip(columns)]);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _encoder.Dispose();
        _decoder.Dispose();
    }

    private IReadOnlyList<int> Decode(CancellationToken cancellation)
    {
        using DecodingTask task = new(_model, _decoder);
        return _tokens ??= [.. task.Decode(_options, cancellation: cancellation).Tokens];
    }

    private string[] Texts(IReadOnlyList<int> tokens) => [.. tokens.Select(token => _model.Tokenizer.DecodeWithTimestamps([token]))];

    /// <summary>Sends tokens through the decoder and gives each row's logits away; the span is the next row's afterwards.</summary>
    private void Run(int[] tokens, CrossAttentionCapture? capture, Action<int, ReadOnlySpan<float>> take)
    {
        int vocabulary = _model.Dimensions.Vocabulary;
        float[] logits = new float[RowsAtOnce * vocabulary];
        for (int first = 0; first < tokens.Length; first += RowsAtOnce)
        {
            int count = Math.Min(RowsAtOnce, tokens.Length - first);
            _decoder.Rows.Clear();
            for (int row = first; row < first + count; row++)
            {
                _decoder.Rows.Add(tokens[row], lane: 0, position: row, window: 0, wantsLogits: true);
            }

            _model.Network.Decoder.Forward(_decoder, capture: capture);
            _decoder.ReadLogits(logits.AsSpan(0, count * vocabulary));
            for (int row = 0; row < count; row++)
            {
                take(first + row, logits.AsSpan(row * vocabulary, vocabulary));
            }
        }
    }

    private TokenTrace Trace(int token, ReadOnlySpan<float> logits, int rivals)
    {
        double normaliser = VocabularySoftmax.LogSumExp(logits);
        PriorityQueue<int, float> best = new();
        for (int other = 0; other < logits.Length; other++)
        {
            if (other != token && (best.Count < rivals || logits[other] > logits[best.Peek()]))
            {
                best.Enqueue(other, logits[other]);
                if (best.Count > rivals)
                {
                    best.Dequeue();
                }
            }
        }

        List<RivalToken> others = [];
        while (best.TryDequeue(out int other, out float logit))
        {
            others.Insert(0, new RivalToken(Texts([other])[0], Math.Exp(logit - normaliser)));
        }

        return new TokenTrace(Texts([token])[0], Math.Exp(logits[token] - normaliser), others);
    }
}
