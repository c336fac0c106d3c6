namespace Handwritten.Kernels;

/// <summary>
/// A dense tensor in a back end's memory: activations or weights. Only the back end that made it can read it; the
/// model passes it around by name. The layout of weights is the back end's own (packed panels, half precision, ...).
/// </summary>
public abstract class Tensor(int[] shape) : IDisposable
{
    /// <summary>Dimensions, outermost first.</summary>
    public int[] Shape { get; } = shape;

    /// <summary>Product of the dimensions.</summary>
    public long ElementCount { get; } = shape.Aggregate(1L, (product, dimension) => checked(product * dimension));

    /// <summary>Bytes taken in the back end's memory, padding included.</summary>
    public abstract long ByteCount { get; }

    /// <inheritdoc/>
    public void Dispose()
    {
        Dispose(true);
        GC.SuppressFinalize(this);
    }

    /// <summary>Frees the memory.</summary>
    protected abstract void Dispose(bool disposing);
}

/// <summary>A linear map y = x Wᵀ + b. Weight: [outputs, inputs]; bias: [outputs] or none.</summary>
public sealed record Linear(Tensor Weight, Tensor? Bias) : IDisposable
{
    /// <summary>Width of x.</summary>
    public int Inputs => Weight.Shape[1];

    /// <summary>Width of y.</summary>
    public int Outputs => Weight.Shape[0];

    /// <inheritdoc/>
    public void Dispose()
    {
        Weight.Dispose();
        Bias?.Dispose();
    }
}

/// <summary>The parameters of a layer norm, both [width].</summary>
public sealed record Norm(Tensor Gain, Tensor Bias) : IDisposable
{
    /// <inheritdoc/>
    public void Dispose()
    {
        Gain.Dispose();
        Bias.Dispose();
    }
}
