using Handwritten.Kernels;
using Handwritten.Kernels.Gpu;

namespace Handwritten.Model;

/// <summary>
/// Whisper's encoder: 30 seconds of log-mel in, 1500 vectors out, one for every 20 ms.
/// <code>
///     log-mel [3000, mels] ─ conv 3 ─ gelu ─ conv 3, stride 2 ─ gelu ─(+ positions)─ block × N ─ norm ─ [1500, d_model]
///
///     block:  x ──┬── norm ── Q,K,V ── attention ── out ──(+)──┬── norm ── expand ── gelu ── contract ──(+)── x
///                 └────────────────────────────────────────┘   └────────────────────────────────────────┘
/// </code>
/// Source: openai/whisper, model.py, AudioEncoder; "Robust Speech Recognition via Large-Scale Weak Supervision",
/// section 2.2.
/// </summary>
public sealed class AudioEncoder : IDisposable
{
    private readonly IKernels _kernels;
    private readonly WhisperDimensions _dimensions;
    private readonly Linear _convolution1, _convolution2;
    private readonly Tensor _positions;
    private readonly Block[] _blocks;
    private readonly Norm _finalNorm;

    internal AudioEncoder(WhisperDimensions dimensions, WeightLoader load, IKernels kernels)
    {
        _kernels = kernels;
        _dimensions = dimensions;
        int width = dimensions.Width;
        _convolution1 = load.Convolution("encoder.conv1", width, dimensions.MelBins);
        _convolution2 = load.Convolution("encoder.conv2", width, width);
        _positions = load.Table("encoder.embed_positions.weight", dimensions.AudioContext, width);
        _blocks = [.. Enumerable.Range(0, dimensions.AudioLayers).Select(layer => new Block($"encoder.layers.{layer}", dimensions, load))];
        _finalNorm = load.Norm("encoder.layer_norm", width);
    }

    /// <summary>The sinusoids that are added to the embedded audio: [1500, d_model].</summary>
    internal Tensor Positions => _positions;

    /// <summary>Allocates the buffers of a forward pass.</summary>
    /// <param name="batch">The most windows one pass takes.</param>
    public EncoderState CreateState(int batch = 1) => new(_kernels, _dimensions, batch);

    /// <summary>Adds what <see cref="CreateState"/> allocates to an estimate.</summary>
    public void Estimate(MemoryEstimate estimate, int batch) => EncoderState.Estimate(estimate, _dimensions, batch);

    /// <summary>
    /// Encodes the first <paramref name="batch"/> windows of <see cref="EncoderState.LogMel"/> into
    /// <see cref="EncoderState.Output"/>.
    /// </summary>
    /// <exception cref="OperationCanceledException">Cancelled between two blocks.</exception>
    public void Forward(EncoderState state, int batch = 1, IActivationObserver? observer = null, CancellationToken cancellation = default)
    {
        int frames = _dimensions.AudioContext, width = _dimensions.Width, rows = batch * frames;
        (Tensor x, Tensor h) = (state.Stream, state.Normed);

        _kernels.Conv1dGelu(batch, state.LogMel, _convolution1, stride: 1, positions: null, state.Convolved);
        observer?.Observe("encoder.conv1_gelu", state.Convolved, 2 * rows, width);
        _kernels.Conv1dGelu(batch, state.Convolved, _convolution2, stride: 2, _positions, x);
        observer?.Observe("encoder.embedded", x, rows, width);

        for (int layer = 0; layer < _blocks.Length; layer++)
        {
            cancellation.ThrowIfCancellationRequested();
            Block block = _blocks[layer];

            _kernels.LayerNorm(rows, x, block.AttentionNorm, h);
            observer?.Observe($"encoder.block.{layer}.attn_ln", h, rows, width);
            _kernels.MatMul(rows, h, block.QueryKeyValue, state.QueryKeyValue);
            observer?.Observe($"encoder.block.{layer}.attn.qkv", state.QueryKeyValue, rows, 3 * width);
            _kernels.Attention(batch, state.QueryKeyValue, _dimensions.AudioHeads, h);
            _kernels.MatMul(rows, h, block.AttentionOut, x, Epilogue.AddToOutput);
            observer?.Observe($"encoder.block.{layer}.attn", x, rows, width);

            _kernels.LayerNorm(rows, x, block.FeedForwardNorm, h);
            _kernels.MatMul(rows, h, block.Expand, state.Expanded, Epilogue.Gelu);
            _kernels.MatMul(rows, state.Expanded, block.Contract, x, Epilogue.AddToOutput);
            observer?.Observe($"encoder.block.{layer}", x, rows, width);
        }

        _kernels.LayerNorm(rows, x, _finalNorm, state.Output);
        observer?.Observe("encoder.ln_post", state.Output, rows, width);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _convolution1.Dispose();
        _convolution2.Dispose();
        _positions.Dispose();
        Array.ForEach(_blocks, block => block.Dispose());
        _finalNorm.Dispose();
    }

    private sealed class Block(string name, WhisperDimensions dimensions, WeightLoader load) : IDisposable
    {
        public Norm AttentionNorm { get; } = load.Norm($"{name}.self_attn_layer_norm", dimensions.Width);

        public Linear QueryKeyValue { get; } = load.Linear(dimensions.Width, dimensions.Width, $"{name}.self_attn.q_proj", $"{name}.self_attn.k_proj", $"{name}.self_attn.v_proj");

        public Linear AttentionOut { get; } = load.Linear(dimensions.Width, dimensions.Width, $"{name}.self_attn.out_proj");

        public Norm FeedForwardNorm { get; } = load.Norm($"{name}.final_layer_norm", dimensions.Width);

        public Linear Expand { get; } = load.Linear(dimensions.AudioFeedForward, dimensions.Width, $"{name}.fc1");

        public Linear Contract { get; } = load.Linear(dimensions.Width, dimensions.AudioFeedForward, $"{name}.fc2");

        public void Dispose()
        {
            AttentionNorm.Dispose();
            QueryKeyValue.Dispose();
            AttentionOut.Dispose();
            FeedForwardNorm.Dispose();
            Expand.Dispose();
            Contract.Dispose();
        }
    }
}
