using Handwritten.Kernels;

namespace Handwritten.Model;

/// <summary>
/// Looks at activations as they pass: parity tests, plots. The model calls it with the names openai/whisper's modules
/// have, <c>encoder.block.0.attn_ln</c> for one; what is seen is exactly what the next operation reads.
/// </summary>
public interface IActivationObserver
{
    /// <summary>
    /// An activation has its final value. The tensor is reused soon: read it now.
    /// </summary>
    /// <param name="name">Its name.</param>
    /// <param name="activation">Its values, in the leading elements.</param>
    /// <param name="rows">Rows in use.</param>
    /// <param name="width">Elements a row.</param>
    void Observe(string name, Tensor activation, int rows, int width);
}
