using Handwritten.Kernels;
using Handwritten.Kernels.Gpu;

namespace Handwritten.Model;

/// <summary>
/// Whisper's decoder: tokens so far and the encoded audio in, a score for every possible next token out.
/// <code>
///     token, position ── embed ── block × N ── norm ── · token tableᵀ ── logits [rows, vocabulary]
///
///     block:  x ─┬─ norm ─ Q,K,V ─ self-attention ─ out ─(+)─┬─ norm ─ Q ─ cross-attention ─ out ─(+)─┬─ norm ─ MLP ─(+)─ x
///                │                  │  ▲                     │                ▲                       │              │
///                │            append▼  │keys, values so far  │                │keys, values           │              │
///                │                 self cache                │           cross cache (audio)          │              │
///                └───────────────────────────────────────────┴────────────────────────────────────────┴──────────────┘
/// </code>
/// The self cache grows by one entry a token; the cross cache is filled once a window. One pass takes any mixture of
/// prompts and single steps (<see cref="DecoderRows"/>). Source: openai/whisper, model.py, TextDecoder.
/// </summary>
public sealed class TextDecoder : IDisposable
{
    private readonly IKernels _kernels;
    private readonly WhisperDimensions _dimensions;
    private readonly Tensor _tokenTable, _positionTable;
    private readonly Block[] _blocks;
    private readonly Norm _finalNorm;
    private readonly Linear _output;
    private readonly bool _tied;

    internal TextDecoder(WhisperDimensions dimensions, bool tiedOutput, WeightLoader load, IKernels kernels)
    {
        _kernels = kernels;
        _dimensions = dimensions;
        _tied = tiedOutput;
        _tokenTable = load.Matrix("decoder.embed_tokens.weight", dimensions.Vocabulary, dimensions.Width);
        _positionTable = load.Table("decoder.embed_positions.weight", dimensions.TextContext, dimensions.Width);
        _blocks = [.. Enumerable.Range(0, dimensions.TextLayers).Select(layer => new Block($"decoder.layers.{layer}", dimensions, load))];
        _finalNorm = load.Norm("decoder.layer_norm", dimensions.Width);
        _output = new Linear(tiedOutput ? _tokenTable : load.OutputProjection(dimensions.Vocabulary, dimensions.Width), Bias: null);
    }

    /// <summary>Allocates caches and buffers.</summary>
    /// <param name="windows">Audio windows that can be listened to at the same time.</param>
    /// <param name="lanes">Token sequences that can be under way at the same time.</param>
    /// <param name="outputs">The most rows of one pass whose logits are wanted.</param>
    public DecoderState CreateState(int windows = 1, int lanes = 1, int outputs = 2) => new(_kernels, _dimensions, windows, lanes, outputs);

    /// <summary>Adds what <see cref="CreateState"/> allocates to an estimate.</summary>
    public void Estimate(MemoryEstimate estimate, int windows, int lanes, int outputs) => DecoderState.Estimate(estimate, _dimensions, windows, lanes, outputs);

    /// <summary>
    /// Projects encoded audio to the keys and values of every layer's cross-attention; once a window.
    /// </summary>
    /// <param name="state">Receives them.</param>
    /// <param name="encoded">[windows, 1500, d_model].</param>
    /// <param name="windows">Where each of the encoded windows goes.</param>
    public void Listen(DecoderState state, Tensor encoded, params ReadOnlySpan<int> windows)
    {
        for (int layer = 0; layer < _blocks.Length; layer++)
        {
            _kernels.MatMul(windows.Length * _dimensions.AudioContext, encoded, _blocks[layer].CrossKeyValue, state.CrossKeyValue);
            _kernels.StoreKeysValues(state.CrossKeyValue, state.CrossCache[layer], windows);
        }
    }

    /// <summary>
    /// Runs <see cref="DecoderState.Rows"/> through the decoder: appends them to their lanes' caches and leaves the
    /// logits of the rows that want them in <see cref="DecoderState.Logits"/>.
    /// </summary>
    /// <param name="state">Rows, caches and buffers.</param>
    /// <param name="observer">Sees every activation.</param>
    /// <param name="capture">Keeps the cross-attention weights of some heads.</param>
    public void Forward(DecoderState state, IActivationObserver? observer = null, CrossAttentionCapture? capture = null)
    {
        DecoderRows rows = state.Rows;
        int count = rows.Count, width = _dimensions.Width;
        (Tensor x, Tensor h) = (state.Stream, state.Normed);

        _kernels.Embed(rows, _tokenTable, _positionTable, x);
        observer?.Observe("decoder.embedded", x, count, width);

        for (int layer = 0; layer < _blocks.Length; layer++)
        {
            Block block = _blocks[layer];

            ObserveNorm(observer, layer, "attn_ln", count, x, block.SelfNorm, h);
            _kernels.NormMatMul(count, x, block.SelfNorm, block.QueryKeyValue, h, state.QueryKeyValue);
            observer?.Observe($"decoder.block.{layer}.attn.qkv", state.QueryKeyValue, count, 3 * width);
            _kernels.AttendSelf(rows, state.QueryKeyValue, state.SelfCache[layer], h);
            _kernels.MatMul(count, h, block.SelfOut, x, Epilogue.AddToOutput);
            observer?.Observe($"decoder.block.{layer}.attn", x, count, width);

            ObserveNorm(observer, layer, "cross_attn_ln", count, x, block.CrossNorm, h);
            _kernels.NormMatMul(count, x, block.CrossNorm, block.CrossQuery, h, state.CrossQuery);
            observer?.Observe($"decoder.block.{layer}.cross_attn.q", state.CrossQuery, count, width);
            _kernels.AttendCross(rows, state.CrossQuery, state.CrossCache[layer], h);
            capture?.Take(_kernels, rows, layer, state.CrossQuery, state.CrossCache[layer]);
            if (observer is not null)
            {
                ObserveCrossAttention(state, layer, observer);
            }

            _kernels.MatMul(count, h, block.CrossOut, x, Epilogue.AddToOutput);
            observer?.Observe($"decoder.block.{layer}.cross_attn", x, count, width);

            _kernels.NormMatMul(count, x, block.FeedForwardNorm, block.Expand, h, state.Expanded, Epilogue.Gelu);
            _kernels.MatMul(count, state.Expanded, block.Contract, x, Epilogue.AddToOutput);
            observer?.Observe($"decoder.block.{layer}", x, count, width);
        }

        _kernels.GatherOutputs(rows, x, state.Selected);
        ObserveNorm(observer, layer: null, "ln", rows.OutputCount, state.Selected, _finalNorm, h);
        _kernels.NormMatMul(rows.OutputCount, state.Selected, _finalNorm, _output, h, state.Logits);
        observer?.Observe("decoder.logits", state.Logits, rows.OutputCount, _dimensions.Vocabulary);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _tokenTable.Dispose();
        _positionTable.Dispose();
        Array.ForEach(_blocks, block => block.Dispose());
        _finalNorm.Dispose();
        if (!_tied)
        {
            _output.Dispose();
        }
    }

    /// <summary>
    /// Shows what a norm makes of the stream, which the pass may never store (<see cref="IKernels.NormMatMul"/>). Without an
    /// observer no text is put together for the name.
    /// </summary>
    private void ObserveNorm(IActivationObserver? observer, int? layer, string name, int count, Tensor x, Norm norm, Tensor normed)
    {
        if (observer is not null)
        {
            _kernels.LayerNorm(count, x, norm, normed);
            observer.Observe(layer is null ? $"decoder.{name}" : $"decoder.block.{layer}.{name}", normed, count, _dimensions.Width);
        }
    }

    /// <summary>Shows every head's cross-attention weights, [rows, 1500] each; computed for the observer alone.</summary>
    private void ObserveCrossAttention(DecoderState state, int layer, IActivationObserver observer)
    {
        using Tensor weights = _kernels.AllocateSingle(state.Rows.Count, _dimensions.AudioContext);
        for (int head = 0; head < _dimensions.TextHeads; head++)
        {
            _kernels.CrossAttentionWeights(state.Rows, state.CrossQuery, state.CrossCache[layer], head, weights);
            observer.Observe($"decoder.block.{layer}.cross_attn.head.{head}", weights, state.Rows.Count, _dimensions.AudioContext);
        }
    }

    private sealed class Block(string name, WhisperDimensions dimensions, WeightLoader load) : IDisposable
    {
        public Norm SelfNorm { get; } = load.Norm($"{name}.self_attn_layer_norm", dimensions.Width);

        public Linear QueryKeyValue { get; } = load.Linear(dimensions.Width, dimensions.Width, $"{name}.self_attn.q_proj", $"{name}.self_attn.k_proj", $"{name}.self_attn.v_proj");

        public Linear SelfOut { get; } = load.Linear(dimensions.Width, dimensions.Width, $"{name}.self_attn.out_proj");

        public Norm CrossNorm { get; } = load.Norm($"{name}.encoder_attn_layer_norm", dimensions.Width);

        public Linear CrossQuery { get; } = load.Linear(dimensions.Width, dimensions.Width, $"{name}.encoder_attn.q_proj");

        public Linear CrossKeyValue { get; } = load.Linear(dimensions.Width, dimensions.Width, $"{name}.encoder_attn.k_proj", $"{name}.encoder_attn.v_proj");

        public Linear CrossOut { get; } = load.Linear(dimensions.Width, dimensions.Width, $"{name}.encoder_attn.out_proj");

        public Norm FeedForwardNorm { get; } = load.Norm($"{name}.final_layer_norm", dimensions.Width);

        public Linear Expand { get; } = load.Linear(dimensions.TextFeedForward, dimensions.Width, $"{name}.fc1");

        public Linear Contract { get; } = load.Linear(dimensions.Width, dimensions.TextFeedForward, $"{name}.fc2");

        public void Dispose()
        {
            SelfNorm.Dispose();
            QueryKeyValue.Dispose();
            SelfOut.Dispose();
            CrossNorm.Dispose();
            CrossQuery.Dispose();
            CrossKeyValue.Dispose();
            CrossOut.Dispose();
            FeedForwardNorm.Dispose();
            Expand.Dispose();
            Contract.Dispose();
        }
    }
}
