namespace Handwritten.Kernels.Gpu;

/// <summary>
/// y = x Wᵀ + b, with what <see cref="Epilogue"/> says: the greater part of Whisper's work. Many rows are tiles on tensor
/// cores, see <see cref="TiledProduct{TCopy, TRows, TTile, TOutput, TActivation}"/>; the few of a decoding step are bound by
/// the reading of the weights, see <see cref="SkinnyProduct{TElement}"/>.
/// </summary>
internal sealed class MatrixProduct<TElement>(GpuDevice device)
    where TElement : struct, IElement
{
    private readonly ProductLauncher<TElement, DenseRows> _tiles = new(device);
    private readonly SkinnyProduct<TElement> _skinny = new(device);

    /// <summary>Multiplies the first rows.</summary>
    /// <param name="rows">How many.</param>
    /// <param name="x">[rows, inputs].</param>
    /// <param name="weight">[outputs, inputs].</param>
    /// <param name="bias">float32 [outputs], or none.</param>
    /// <param name="y">[rows, outputs] of the compute type, or float32.</param>
    /// <param name="epilogue">What becomes of the sums.</param>
    /// <exception cref="ArgumentException"><see cref="Epilogue.AddToOutput"/> to a y that is not float32.</exception>
    public void Run(int rows, GpuTensor x, GpuTensor weight, GpuTensor? bias, GpuTensor y, Epilogue epilogue)
    {
        if (SkinnyProduct<TElement>.Fits(rows, weight.Shape[1]))
        {
            _skinny.Run(rows, x, weight, bias, y, epilogue);
            return;
        }

        _tiles.Launch(
            new DenseRows(rows, weight.Shape[1] * TElement.Type.ByteSize() / 16), rows, x, weight, bias,
            epilogue == Epilogue.Gelu, epilogue == Epilogue.AddToOutput ? y : null, y);
    }
}
