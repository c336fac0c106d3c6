using Handwritten.Kernels;

namespace Handwritten.Model;

/// <summary>
/// Loads a checkpoint's tensors into a back end by their Hugging Face names. Every tensor's shape is checked against
/// what the configuration asks for before a kernel sees it, so that a folder whose parts do not belong together is
/// refused with a sentence instead of being run.
/// </summary>
internal sealed class WeightLoader(ITensorSource source, IKernels kernels)
{
    // Checkpoints saved from the bare WhisperModel class lack the leading "model.".
    private readonly string _prefix = source.Contains("model.encoder.conv1.weight") || !source.Contains("encoder.conv1.weight") ? "model." : "";

    /// <summary>The element type of a tensor.</summary>
    public DType TypeOf(string name) => source.Describe(_prefix + name).Type;

    /// <summary>A layer norm: <c>name.weight</c> and <c>name.bias</c>, both [width].</summary>
    public Norm Norm(string name, int width)
    {
        Tensor gain = Table($"{name}.weight", width);
        return new Norm(gain, Table($"{name}.bias", width));
    }

    /// <summary>A table of any shape that is read element by element.</summary>
    public Tensor Table(string name, params int[] shape)
    {
        using HostTensor table = Open(name, shape);
        return kernels.LoadTable(table);
    }

    /// <summary>A matrix without a bias, such as the token embedding.</summary>
    public Tensor Matrix(string name, int outputs, int inputs)
    {
        using HostTensor matrix = Open(name, outputs, inputs);
        return kernels.LoadMatrix(matrix);
    }

    /// <summary>The output projection of checkpoints that do not tie it to the token embedding; it has no prefix.</summary>
    public Tensor OutputProjection(int vocabulary, int width)
    {
        using HostTensor matrix = Open("proj_out.weight", prefix: "", vocabulary, width);
        return kernels.LoadMatrix(matrix);
    }

    /// <summary>
    /// Linear layers that read the same input, stacked into one product: Q, K and V of an attention layer. Each is
    /// [outputs, inputs]; a missing bias (Whisper's key projections) counts as zeros.
    /// </summary>
    public Linear Linear(int outputs, int inputs, params string[] names)
    {
        HostTensor[] weights = [.. names.Select(name => Open($"{name}.weight", outputs, inputs))];
        HostTensor?[] biases = [.. names.Select(name => source.Contains($"{_prefix}{name}.bias") ? Open($"{name}.bias", outputs) : null)];
        try
        {
            Tensor weight = kernels.LoadMatrix(weights);
            return new Linear(weight, Array.TrueForAll(biases, bias => bias is null) ? null : kernels.LoadBias(outputs, biases));
        }
        finally
        {
            Array.ForEach(weights, weight => weight.Dispose());
            Array.ForEach(biases, bias => bias?.Dispose());
        }
    }

    /// <summary>A convolution of width 3: weight [outputs, channels, 3], bias [outputs].</summary>
    public Linear Convolution(string name, int outputs, int channels)
    {
        using HostTensor weight = Open($"{name}.weight", outputs, channels, 3);
        using HostTensor bias = Open($"{name}.bias", outputs);
        return new Linear(kernels.LoadConvolution(weight), kernels.LoadBias(outputs, bias));
    }

    private HostTensor Open(string name, params int[] shape) => Open(name, _prefix, shape);

    private HostTensor Open(string name, string prefix, params int[] shape)
    {
        HostTensor tensor = source.Open(prefix + name);
        if (!tensor.Shape.AsSpan().SequenceEqual(shape))
        {
            string found = string.Join(", ", tensor.Shape);
            tensor.Dispose();
            throw new ModelException($"{source.Origin}: tensor {prefix}{name} has shape [{found}], but the configuration asks for [{string.Join(", ", shape)}]; the two do not belong to the same model.");
        }

        if (!tensor.Type.IsFloatingPoint())
        {
            tensor.Dispose();
            throw new ModelException($"{source.Origin}: tensor {prefix}{name} holds {tensor.Type} elements; weights must be F32, F16, BF16 or F64, so use an unquantised checkpoint.");
        }

        return tensor;
    }
}
