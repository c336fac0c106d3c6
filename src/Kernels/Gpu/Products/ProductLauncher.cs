using Handwritten.Kernels.Gpu.Compilation;
using ILGPU;
using ILGPU.Runtime;

namespace Handwritten.Kernels.Gpu;

/// <summary>A compiled form of the product: its parameters are those of the kernel.</summary>
internal delegate void ProductLaunch<TRows>(
    AcceleratorStream stream, KernelConfig configuration, TRows rows, ArrayView<Bits128> x, ArrayView<Bits128> weight, int chunks, ProductResult result)
    where TRows : unmanaged, IRows;

/// <summary>
/// Chooses among the compiled forms of <see cref="TiledProduct{TCopy, TRows, TTile, TOutput, TActivation}"/> and
/// <see cref="WarpgroupProduct{TRows, TCore, TTile, TOutput, TActivation}"/>, compiles each when it is first needed, and
/// launches it.
/// </summary>
/// <typeparam name="TElement">The compute type.</typeparam>
/// <typeparam name="TRows">Where the rows of the first factor lie.</typeparam>
internal sealed class ProductLauncher<TElement, TRows>(GpuDevice device)
    where TElement : struct, IElement
    where TRows : unmanaged, IRows
{
    private readonly KernelForms<Form, ProductLaunch<TRows>> _kernels = new(Forms(device), form => Load(device, form));

    /// <summary>Launches the product.</summary>
    /// <param name="rows">Where the rows of x lie; <paramref name="count"/> of them.</param>
    /// <param name="count">Rows of x and y.</param>
    /// <param name="x">The tensor in which they lie.</param>
    /// <param name="weight">[outputs, inputs] of the compute type.</param>
    /// <param name="inputs">Its width.</param>
    /// <param name="bias">float32 [outputs], or none.</param>
    /// <param name="isGelu">Whether the sums go through gelu.</param>
    /// <param name="addend">float32 [any, outputs]: what is added behind that; its rows repeat. Or none.</param>
    /// <param name="y">[rows, outputs]: of the compute type, or float32.</param>
    /// <exception cref="ArgumentException">
    /// An addend, or a width that is no multiple of eight, with a y that is not float32; gelu with a float32 y whose width is no
    /// multiple of 32.
    /// </exception>
    public void Launch(TRows rows, int count, GpuTensor x, ArrayView<Bits128> weight, int inputs, GpuTensor? bias, bool isGelu, GpuTensor? addend, GpuTensor y)
    {
        int outputs = y.Shape[^1];
        if (y.Type != DType.F32 && (addend is not null || outputs % 8 != 0))
        {
            throw new ArgumentException($"A {y.Type} result takes no addend and is a multiple of 8 wide; this is {outputs} wide.", nameof(y));
        }

        bool isSingle = y.Type == DType.F32, isAligned = !isSingle || outputs % 32 == 0;
        TileSize tile = Choose(count, outputs, isAligned);
        ProductLaunch<TRows> kernel = _kernels[new Form(tile, isGelu, isSingle, isAligned)];

        KernelConfig configuration = new(Tiles(count, tile.Rows) * Tiles(outputs, tile.Columns), tile.Threads, SharedMemoryConfig.RequestDynamic<Bits128>(tile.SharedChunks));
        kernel(device.Stream, configuration, rows, x.Vectors, weight, inputs * TElement.Type.ByteSize() / 16, new ProductResult
        {
            Y = y.Vectors,
            Bias = bias is null ? ArrayView<Bits128>.Empty : bias.Vectors,
            Addend = addend is null ? ArrayView<Bits128>.Empty : addend.Vectors,
            AddendRows = addend is null ? 1 : (int)(addend.ElementCount / outputs),
            Rows = count,
            Outputs = outputs,
        });
    }

    /// <summary>The size of tiles that takes the least time.</summary>
    private TileSize Choose(int count, int outputs, bool isAligned)
    {
        if (device.MultipliesByWarpgroups && HasWarpgroups(device) && isAligned && 2 * Blocks(TileSize.Square) >= device.Multiprocessors)
        {
            // What a multiprocessor reads: in each of its turns the rows and columns of a tile. Large tiles need the fewest turns.
            return TileSize.OfWarpgroups.MinBy(tile => Tiles(Blocks(tile), device.Multiprocessors) * (tile.Rows + tile.Columns));
        }

        // A tile of 128 has half the traffic of one of 64, if there are enough of them to keep the device busy.
        return Blocks(TileSize.Large) >= device.Multiprocessors ? TileSize.Large : TileSize.Small;

        int Blocks(TileSize tile) => Tiles(count, tile.Rows) * Tiles(outputs, tile.Columns);
    }

    private static bool HasWarpgroups(GpuDevice device) => device.ComputeCapability == 90 && TElement.Type != DType.F32;

    /// <summary>Every form there is: convolutions end in gelu, and what does is aligned, as is what warpgroups compute.</summary>
    private static IEnumerable<Form> Forms(GpuDevice device) =>
        from tile in (TileSize[])[TileSize.Small, TileSize.Large, .. HasWarpgroups(device) ? TileSize.OfWarpgroups : []]
        from isGelu in (bool[])[false, true]
        from isSingle in (bool[])[false, true]
        from isAligned in (bool[])[false, true]
        where isSingle || (isAligned && TElement.Type != DType.F32)
        where isAligned || !tile.IsOfWarpgroups // results of any width are logits, of few rows
        where isGelu ? isAligned : typeof(TRows) == typeof(DenseRows)
        select new Form(tile, isGelu, isSingle, isAligned);

    private static int Tiles(int length, int side) => (length + side - 1) / side;

    // One choice after another, each of which is a type argument of the next.
    private static ProductLaunch<TRows> Load(GpuDevice device, Form form) =>
        (TElement.Type, device.ComputeCapability >= 80) switch
        {
            (DType.F16, _) when form.Tile.IsOfWarpgroups => LoadWarpgroups<HopperFloat16>(device, form),
            (DType.BF16, _) when form.Tile.IsOfWarpgroups => LoadWarpgroups<HopperBFloat16>(device, form),
            (DType.F16, true) => LoadTensorCore<AsynchronousCopy, AmpereFloat16>(device, form),
            (DType.F16, false) => LoadTensorCore<PlainCopy, TuringFloat16>(device, form),
            (DType.BF16, _) => LoadTensorCore<AsynchronousCopy, AmpereBFloat16>(device, form),
            (_, true) => LoadMultiplyAdd<AsynchronousCopy>(device, form),
            (_, false) => LoadMultiplyAdd<PlainCopy>(device, form),
        };

    private static ProductLaunch<TRows> LoadWarpgroups<TCore>(GpuDevice device, Form form)
        where TCore : struct, IWarpgroupCore => form.Tile == TileSize.Square ? LoadKernel<OfWarpgroups<TCore, Tile128x128>>(device, form)
            : form.Tile == TileSize.Wide ? LoadKernel<OfWarpgroups<TCore, WideTile<TwoWarpgroups>>>(device, form)
            : LoadKernel<OfWarpgroups<TCore, WideTile<ThreeWarpgroups>>>(device, form);

    private static ProductLaunch<TRows> LoadTensorCore<TCopy, TTensorCore>(GpuDevice device, Form form)
        where TCopy : struct, ISharedCopy
        where TTensorCore : struct, ITensorCore => form.Tile == TileSize.Large
            ? LoadKernel<OfTiles<TCopy, TensorCoreTile<Two<Two<TensorCoreStrip<TTensorCore>, TensorCoreColumns>, TensorCoreColumns>>>>(device, form)
            : LoadKernel<OfTiles<TCopy, TensorCoreTile<Two<TensorCoreStrip<TTensorCore>, TensorCoreColumns>>>>(device, form);

    private static ProductLaunch<TRows> LoadMultiplyAdd<TCopy>(GpuDevice device, Form form)
        where TCopy : struct, ISharedCopy => form.Tile == TileSize.Large
            ? LoadKernel<OfTiles<TCopy, MultiplyAddTile<Two<Two<MultiplyAddStrip, MultiplyAddColumns>, MultiplyAddColumns>>>>(device, form)
            : LoadKernel<OfTiles<TCopy, MultiplyAddTile<Two<MultiplyAddStrip, MultiplyAddColumns>>>>(device, form);

    private static ProductLaunch<TRows> LoadKernel<TKernel>(GpuDevice device, Form form)
        where TKernel : struct, IKernel => form switch
        {
            { IsSingle: false } => LoadOutput<TKernel, ElementOutput<TElement>>(device, form),
            { IsAligned: true } => LoadOutput<TKernel, SingleOutput>(device, form),
            _ => LoadOutput<TKernel, UnalignedOutput>(device, form),
        };

    private static ProductLaunch<TRows> LoadOutput<TKernel, TOutput>(GpuDevice device, Form form)
        where TKernel : struct, IKernel
        where TOutput : struct, IOutput => device.Kernels.Load<ProductLaunch<TRows>>(
            form.IsGelu ? TKernel.With<TOutput, Gelu>() : TKernel.With<TOutput, Identity>(),
            form.Tile.Threads, form.Tile.BlocksAtOnce(device.ComputeCapability), 16 * form.Tile.SharedChunks);

    /// <summary>A kernel that lacks only what becomes of its sums.</summary>
    private interface IKernel
    {
        static abstract Action<TRows, ArrayView<Bits128>, ArrayView<Bits128>, int, ProductResult> With<TOutput, TActivation>()
            where TOutput : struct, IOutput
            where TActivation : struct, IActivation;
    }

    private readonly struct OfTiles<TCopy, TTile> : IKernel
        where TCopy : struct, ISharedCopy
        where TTile : struct, IWarpTile
    {
        public static Action<TRows, ArrayView<Bits128>, ArrayView<Bits128>, int, ProductResult> With<TOutput, TActivation>()
            where TOutput : struct, IOutput
            where TActivation : struct, IActivation => TiledProduct<TCopy, TRows, TTile, TOutput, TActivation>.Kernel;
    }

    private readonly struct OfWarpgroups<TCore, TTile> : IKernel
        where TCore : struct, IWarpgroupCore
        where TTile : struct, IWarpgroupTile
    {
        public static Action<TRows, ArrayView<Bits128>, ArrayView<Bits128>, int, ProductResult> With<TOutput, TActivation>()
            where TOutput : struct, IOutput
            where TActivation : struct, IActivation => WarpgroupProduct<TRows, TCore, TTile, TOutput, TActivation>.Kernel;
    }

    /// <summary>What a compiled form depends on, besides the compute type and the device.</summary>
    private readonly record struct Form(TileSize Tile, bool IsGelu, bool IsSingle, bool IsAligned);
}
