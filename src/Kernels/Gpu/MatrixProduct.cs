namespace Handwritten.Kernels.Gpu;

/// <summary>
/// y = x Wᵀ + b, with what <see cref="Epilogue"/> says: the greater part of Whisper's work. Few rows, as in a decoding step,
/// are bound by the reading of W: <see cref="SkinnyProduct{TElement}"/>. Many are bound by the arithmetic:
/// <see cref="TiledProduct{TCopy, TRows, TTile, TOutput, TActivation}"/>.
/// </summary>
internal sealed class MatrixProduct<TElement>(GpuDevice device)
    where TElement : struct, IElement
{
    private readonly SkinnyProduct<TElement> _skinny = new(device);
    private readonly ProductLauncher<TElement, DenseRows> _tiles = new(device);

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

        DenseRows dense = new(rows, weight.Shape[1] * TElement.Type.ByteSize() / 16);
        _tiles.Launch(dense, rows, x, weight, bias, epilogue == Epilogue.Gelu, epilogue == Epilogue.AddToOutput ? y : null, y);
    }

    /// <summary>Whether <see cref="RunNormed"/> is the faster way to a norm and a product.</summary>
    public bool FitsNormed(int rows, GpuTensor weight) => _skinny.FitsNormed(rows, weight.Shape[1], weight.Shape[0]);

    /// <summary>Multiplies what a layer norm makes of the first rows of x, [rows, inputs] float32, in one kernel.</summary>
    public void RunNormed(int rows, GpuTensor x, GpuTensor gain, GpuTensor shift, GpuTensor weight, GpuTensor? bias, GpuTensor y, Epilogue epilogue) =>
        _skinny.RunNormed(rows, x, gain, shift, weight, bias, y, epilogue);
}
