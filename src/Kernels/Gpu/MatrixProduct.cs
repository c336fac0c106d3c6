namespace Handwritten.Kernels.Gpu;

/// <summary>
/// y = x Wᵀ + b, with what <see cref="Epilogue"/> says: the greater part of Whisper's work. Few rows, as in a decoding step,
/// are bound by the reading of W: <see cref="SkinnyProduct{TElement}"/>. Many are bound by the arithmetic:
/// <see cref="TiledProduct{TCopy, TRows, TTile, TOutput, TActivation}"/>, which is given int8 weights in the compute type
/// (<see cref="Int8Widening{TElement}"/>).
/// </summary>
internal sealed class MatrixProduct<TElement>(GpuDevice device) : IDisposable
    where TElement : struct, IElement
{
    private readonly SkinnyProduct<TElement> _skinny = new(device);
    private readonly ProductLauncher<TElement, DenseRows> _tiles = new(device);
    private readonly Int8Widening<TElement> _widening = new(device);

    /// <summary>
    /// Makes ready for a matrix of int8 weights. Not for one of more outputs than any layer has: that is the token table, whose
    /// rows are the lanes of a batch, seldom more than a skinny product takes, and which would need ten times the room.
    /// </summary>
    public void Reserve(GpuTensor weight)
    {
        if (IsWidened(weight.Shape[0]))
        {
            _widening.Reserve(weight.Shape[0], weight.Shape[1]);
        }
    }

    /// <summary>Whether int8 weights with that many outputs are widened for products of many rows.</summary>
    public static bool IsWidened(int outputs) => outputs <= Int8Matrix.MostWidenedOutputs;

    /// <summary>Multiplies the first rows.</summary>
    /// <param name="rows">How many.</param>
    /// <param name="x">[rows, inputs].</param>
    /// <param name="weight">[outputs, inputs], of the compute type or an <see cref="Int8Matrix"/>.</param>
    /// <param name="bias">float32 [outputs], or none.</param>
    /// <param name="y">[rows, outputs] of the compute type, or float32.</param>
    /// <param name="epilogue">What becomes of the sums.</param>
    /// <exception cref="ArgumentException"><see cref="Epilogue.AddToOutput"/> to a y that is not float32.</exception>
    public void Run(int rows, GpuTensor x, GpuTensor weight, GpuTensor? bias, GpuTensor y, Epilogue epilogue)
    {
        int outputs = weight.Shape[0], inputs = weight.Shape[1];
        bool isInt8 = weight.Type == DType.I8;
        if (SkinnyProduct<TElement>.Fits(rows, inputs) || (isInt8 && !IsWidened(outputs)))
        {
            _skinny.Run(rows, x, weight, bias, y, epilogue);
            return;
        }

        DenseRows dense = new(rows, inputs * TElement.Type.ByteSize() / 16);
        _tiles.Launch(dense, rows, x, isInt8 ? _widening.Run(weight) : weight.Vectors, inputs, bias, epilogue == Epilogue.Gelu, epilogue == Epilogue.AddToOutput ? y : null, y);
    }

    /// <summary>Whether <see cref="RunNormed"/> is the faster way to a norm and a product.</summary>
    public bool FitsNormed(int rows, GpuTensor weight) => _skinny.FitsNormed(rows, weight);

    /// <summary>Multiplies what a layer norm makes of the first rows of x, [rows, inputs] float32, in one kernel.</summary>
    public void RunNormed(int rows, GpuTensor x, GpuTensor gain, GpuTensor shift, GpuTensor weight, GpuTensor? bias, GpuTensor y, Epilogue epilogue) =>
        _skinny.RunNormed(rows, x, gain, shift, weight, bias, y, epilogue);

    /// <inheritdoc/>
    public void Dispose() => _widening.Dispose();
}
