using Handwritten.Kernels;
using Handwritten.Kernels.Gpu;
using Handwritten.Model.Synthetic;

namespace Handwritten.Model;

/// <summary>
/// The numerical half of a model: encoder, decoder and the filters in front of them, loaded into one back end. It knows
/// nothing of tokens' meaning; <see cref="WhisperModel"/> adds that.
/// </summary>
public sealed class WhisperNetwork : IDisposable
{
    /// <summary>Loads weights into a back end.</summary>
    /// <param name="dimensions">The architecture's numbers.</param>
    /// <param name="tiedOutput">Whether the logits use the token embedding, as all of OpenAI's models do.</param>
    /// <param name="weights">The tensors; read once, tensor by tensor, and not needed afterwards.</param>
    /// <param name="kernels">The back end; not disposed with the network.</param>
    /// <exception cref="ModelException">A tensor is missing, or its shape contradicts the dimensions.</exception>
    /// <exception cref="GpuException">The model does not fit the device's memory.</exception>
    public WhisperNetwork(WhisperDimensions dimensions, bool tiedOutput, ITensorSource weights, IKernels kernels)
    {
        Dimensions = dimensions;
        Kernels = kernels;
        kernels.Require(Estimate(dimensions, weights.Origin));
        try
        {
            WeightLoader load = new(weights, kernels);
            WeightType = load.TypeOf("decoder.embed_tokens.weight");
            Encoder = new AudioEncoder(dimensions, load, kernels);
            Decoder = new TextDecoder(dimensions, tiedOutput, load, kernels);
            Frontend = new LogMelFrontend(dimensions.MelBins, kernels);
        }
        catch (InvalidDataException exception)
        {
            throw new ModelException($"{weights.Origin}: {exception.Message}", exception);
        }
        catch (OutOfMemoryException exception)
        {
            throw new ModelException($"{weights.Origin} does not fit into this machine's memory: choose a smaller model.", exception);
        }
    }

    /// <summary>What the model takes in a device's memory to transcribe one window at a time.</summary>
    private static MemoryEstimate Estimate(WhisperDimensions dimensions, string origin)
    {
        MemoryEstimate estimate = new MemoryEstimate(origin)
            .Add("weights", CheckpointLayout.Parameters(dimensions));
        return DecoderState.Estimate(EncoderState.Estimate(estimate, dimensions, batch: 1), dimensions, windows: 1, lanes: 1, outputs: 2);
    }

    /// <summary>The architecture's numbers.</summary>
    public WhisperDimensions Dimensions { get; }

    /// <summary>The type in which the weights are stored; of the token table, which is most of a small model.</summary>
    public DType WeightType { get; }

    /// <summary>The back end that holds the weights.</summary>
    public IKernels Kernels { get; }

    /// <summary>Samples to log-mel.</summary>
    public LogMelFrontend Frontend { get; }

    /// <summary>Log-mel to encoded audio.</summary>
    public AudioEncoder Encoder { get; }

    /// <summary>Encoded audio and tokens to logits.</summary>
    public TextDecoder Decoder { get; }

    /// <inheritdoc/>
    public void Dispose()
    {
        Encoder.Dispose();
        Decoder.Dispose();
        Frontend.Dispose();
    }
}
