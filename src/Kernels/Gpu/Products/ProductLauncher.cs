using Handwritten.Kernels.Gpu.Compilation;
using ILGPU;
using ILGPU.Runtime;

namespace Handwritten.Kernels.Gpu;

/// <summary>A compiled form of the product: its parameters are those of the kernel.</summary>
internal delegate void ProductLaunch<TRows>(
    AcceleratorStream stream, KernelConfig configuration, TRows rows, ArrayView<Bits128> x, ArrayView<Bits128> weight, int chunks, ProductResult result)
    where TRows : unmanaged, IRows;

/// <summary>
/// Chooses among the compiled forms of <see cref="TiledProduct{TCopy, TRows, TTile, TOutput, TActivation}"/>, compiles each
/// when it is first needed, and launches it.
/// </summary>
/// <typeparam name="TElement">The compute type.</typeparam>
/// <typeparam name="TRows">Where the rows of the first factor lie.</typeparam>
internal sealed class ProductLauncher<TElement, TRows>(GpuDevice device)
    where TElement : struct, IElement
    where TRows : unmanaged, IRows
{
    private const int Stages = 3;

    private readonly KernelForms<Form, ProductLaunch<TRows>> _kernels = new(Forms, form => Load(device, form));

    /// <summary>Launches the product.</summary>
    /// <param name="rows">Where the rows of x lie; <paramref name="count"/> of them.</param>
    /// <param name="count">Rows of x and y.</param>
    /// <param name="x">The tensor in which they lie.</param>
    /// <param name="weight">[outputs, inputs].</param>
    /// <param name="bias">float32 [outputs], or none.</param>
    /// <param name="isGelu">Whether the sums go through gelu.</param>
    /// <param name="addend">float32 [any, outputs]: what is added behind that; its rows repeat. Or none.</param>
    /// <param name="y">[rows, outputs]: of the compute type, or float32.</param>
    /// <exception cref="ArgumentException">
    /// An addend, or a width that is no multiple of eight, with a y that is not float32; gelu with a float32 y whose width is no
    /// multiple of 32.
    /// </exception>
    public void Launch(TRows rows, int count, GpuTensor x, GpuTensor weight, GpuTensor? bias, bool isGelu, GpuTensor? addend, GpuTensor y)
    {
        int outputs = weight.Shape[0], inputs = weight.Shape[1];
        if (y.Type != DType.F32 && (addend is not null || outputs % 8 != 0))
        {
            throw new ArgumentException($"A {y.Type} result takes no addend and is a multiple of 8 wide; this is {outputs} wide.", nameof(y));
        }

        // A tile of 128 has half the traffic of one of 64, if there are enough of them to keep the device busy.
        bool isLarge = Tiles(count, 128) * Tiles(outputs, 128) >= device.Multiprocessors;
        bool isSingle = y.Type == DType.F32;
        ProductLaunch<TRows> kernel = _kernels[new Form(isLarge, isGelu, isSingle, IsAligned: !isSingle || outputs % 32 == 0)];

        int side = isLarge ? 128 : 64;
        KernelConfig configuration = new(
            Tiles(count, side) * Tiles(outputs, side), 2 * side,
            SharedMemoryConfig.RequestDynamic<Bits128>(SharedChunks(side)));
        kernel(device.Stream, configuration, rows, x.Vectors, weight.Vectors, inputs * TElement.Type.ByteSize() / 16, new ProductResult
        {
            Y = y.Vectors,
            Bias = bias is null ? ArrayView<Bits128>.Empty : bias.Vectors,
            Addend = addend is null ? ArrayView<Bits128>.Empty : addend.Vectors,
            AddendRows = addend is null ? 1 : (int)(addend.ElementCount / outputs),
            Rows = count,
            Outputs = outputs,
        });
    }

    /// <summary>Every form there is: convolutions end in gelu, and what does is aligned.</summary>
    private static IEnumerable<Form> Forms =>
        from isLarge in (bool[])[false, true]
        from isGelu in (bool[])[false, true]
        from isSingle in (bool[])[false, true]
        from isAligned in (bool[])[false, true]
        where isSingle || (isAligned && TElement.Type != DType.F32)
        where isGelu ? isAligned : typeof(TRows) == typeof(DenseRows)
        select new Form(isLarge, isGelu, isSingle, isAligned);

    private static int Tiles(int length, int side) => (length + side - 1) / side;

    private static int SharedChunks(int side) => Stages * 2 * side * Swizzle.RowChunks;

    // One choice after another, each of which is a type argument of the next.
    private static ProductLaunch<TRows> Load(GpuDevice device, Form form) =>
        (TElement.Type, device.ComputeCapability >= 80) switch
        {
            (DType.F16, true) => LoadTensorCore<AsynchronousCopy, AmpereFloat16>(device, form),
            (DType.F16, false) => LoadTensorCore<PlainCopy, TuringFloat16>(device, form),
            (DType.BF16, _) => LoadTensorCore<AsynchronousCopy, AmpereBFloat16>(device, form),
            (_, true) => LoadMultiplyAdd<AsynchronousCopy>(device, form),
            (_, false) => LoadMultiplyAdd<PlainCopy>(device, form),
        };

    private static ProductLaunch<TRows> LoadTensorCore<TCopy, TTensorCore>(GpuDevice device, Form form)
        where TCopy : struct, ISharedCopy
        where TTensorCore : struct, ITensorCore => form.IsLarge
            ? LoadTile<TCopy, TensorCoreTile<Two<Two<TensorCoreStrip<TTensorCore>, TensorCoreColumns>, TensorCoreColumns>>>(device, form)
            : LoadTile<TCopy, TensorCoreTile<Two<TensorCoreStrip<TTensorCore>, TensorCoreColumns>>>(device, form);

    private static ProductLaunch<TRows> LoadMultiplyAdd<TCopy>(GpuDevice device, Form form)
        where TCopy : struct, ISharedCopy => form.IsLarge
            ? LoadTile<TCopy, MultiplyAddTile<Two<Two<MultiplyAddStrip, MultiplyAddColumns>, MultiplyAddColumns>>>(device, form)
            : LoadTile<TCopy, MultiplyAddTile<Two<MultiplyAddStrip, MultiplyAddColumns>>>(device, form);

    private static ProductLaunch<TRows> LoadTile<TCopy, TTile>(GpuDevice device, Form form)
        where TCopy : struct, ISharedCopy
        where TTile : struct, IWarpTile => form switch
        {
            { IsSingle: false } => LoadOutput<TCopy, TTile, ElementOutput<TElement>>(device, form),
            { IsAligned: true } => LoadOutput<TCopy, TTile, SingleOutput>(device, form),
            _ => LoadOutput<TCopy, TTile, UnalignedOutput>(device, form),
        };

    private static ProductLaunch<TRows> LoadOutput<TCopy, TTile, TOutput>(GpuDevice device, Form form)
        where TCopy : struct, ISharedCopy
        where TTile : struct, IWarpTile
        where TOutput : struct, IOutput => form.IsGelu
            ? LoadKernel(device, TiledProduct<TCopy, TRows, TTile, TOutput, Gelu>.Kernel, form)
            : LoadKernel(device, TiledProduct<TCopy, TRows, TTile, TOutput, Identity>.Kernel, form);

    private static ProductLaunch<TRows> LoadKernel(
        GpuDevice device, Action<TRows, ArrayView<Bits128>, ArrayView<Bits128>, int, ProductResult> kernel, Form form) =>
        device.Kernels.Load<ProductLaunch<TRows>>(
            kernel, form.IsLarge ? 256 : 128, (device.ComputeCapability >= 80 ? 2 : 1) * (form.IsLarge ? 1 : 2), 16 * SharedChunks(form.IsLarge ? 128 : 64));

    /// <summary>What a compiled form depends on, besides the compute type and the device.</summary>
    private readonly record struct Form(bool IsLarge, bool IsGelu, bool IsSingle, bool IsAligned);
}
