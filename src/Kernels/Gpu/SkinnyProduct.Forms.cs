using Launcher = System.Action<
    ILGPU.Runtime.AcceleratorStream, ILGPU.KernelConfig,
    ILGPU.ArrayView<Handwritten.Kernels.Gpu.Bits128>, ILGPU.ArrayView<Handwritten.Kernels.Gpu.Bits128>,
    ILGPU.ArrayView<Handwritten.Kernels.Gpu.Bits128>, ILGPU.ArrayView<Handwritten.Kernels.Gpu.Bits128>, int, int, int>;
using StagedLauncher = System.Action<
    ILGPU.Runtime.AcceleratorStream, ILGPU.KernelConfig,
    ILGPU.ArrayView<Handwritten.Kernels.Gpu.Bits128>, ILGPU.ArrayView<Handwritten.Kernels.Gpu.Bits128>, ILGPU.ArrayView<Handwritten.Kernels.Gpu.Bits128>,
    ILGPU.ArrayView<Handwritten.Kernels.Gpu.Bits128>, ILGPU.ArrayView<Handwritten.Kernels.Gpu.Bits128>, ILGPU.ArrayView<Handwritten.Kernels.Gpu.Bits128>, int, int, int>;

namespace Handwritten.Kernels.Gpu;

/// <content>The compiled forms: one choice after another, each of which is a type argument of the next.</content>
internal sealed partial class SkinnyProduct<TElement>
{
    /// <summary>Every form that <see cref="Run"/> asks for.</summary>
    private static IEnumerable<(int Tile, Epilogue Epilogue, DType Result)> Forms(GpuDevice device) =>
        from tile in Tiles(device)
        from end in Ends
        group end by (tile, end.Epilogue, end.Result) into form
        select form.Key;

    private static IEnumerable<(bool IsNormed, Epilogue Epilogue, DType Result)> StagedForms =>
        from isNormed in (bool[])[false, true]
        from end in Ends
        where !isNormed || end.Epilogue != Epilogue.AddToOutput
        select (isNormed, end.Epilogue, end.Result);

    private static (Epilogue Epilogue, DType Result)[] Ends =>
        [(Epilogue.None, TElement.Type), (Epilogue.None, DType.F32), (Epilogue.Gelu, TElement.Type), (Epilogue.Gelu, DType.F32), (Epilogue.AddToOutput, DType.F32)];

    /// <summary>Rows of a block, ascending. More rows than the last are several blocks, which find the weights in the L2 cache.</summary>
    private static int[] Tiles(GpuDevice device) => TElement.Type == DType.F32
        ? [1, 2, 4, 8]
        : device.ComputeCapability >= 80 ? [8, 16, 32, 64] : [8, 16, 32]; // Turing's instructions keep more registers busy

    private static Launcher Load(GpuDevice device, int tile, Epilogue epilogue, DType result) => (epilogue, result) switch
    {
        (Epilogue.None, DType.F32) => Load<Stored<Float32, Identity>>(device, tile),
        (Epilogue.None, _) => Load<Stored<TElement, Identity>>(device, tile),
        (Epilogue.Gelu, DType.F32) => Load<Stored<Float32, Gelu>>(device, tile),
        (Epilogue.Gelu, _) => Load<Stored<TElement, Gelu>>(device, tile),
        (Epilogue.AddToOutput, DType.F32) => Load<Added>(device, tile),
        _ => throw new ArgumentException($"A product's sums go to a float32 tensor, not to one of {result}."),
    };

    private static Launcher Load<TFinish>(GpuDevice device, int tile)
        where TFinish : struct, ISkinnyFinish => TElement.Type switch
        {
            DType.F32 => tile switch
            {
                1 => LoadMultiplyAdd<OneRow, TFinish>(device),
                2 => LoadMultiplyAdd<TwiceRows<OneRow>, TFinish>(device),
                4 => LoadMultiplyAdd<TwiceRows<TwiceRows<OneRow>>, TFinish>(device),
                _ => LoadMultiplyAdd<TwiceRows<TwiceRows<TwiceRows<OneRow>>>, TFinish>(device),
            },
            DType.BF16 => LoadTensorCore<AsynchronousCopy, AmpereBFloat16, TFinish>(device, tile),
            _ when device.ComputeCapability >= 80 => LoadTensorCore<AsynchronousCopy, AmpereFloat16, TFinish>(device, tile),
            _ => LoadTensorCore<PlainCopy, TuringFloat16, TFinish>(device, tile),
        };

    private static Launcher LoadTensorCore<TCopy, TTensorCore, TFinish>(GpuDevice device, int tile)
        where TCopy : struct, ISharedCopy
        where TTensorCore : struct, ITensorCore
        where TFinish : struct, ISkinnyFinish => tile switch
        {
            8 => LoadTile<TCopy, TTensorCore, EightRows, TFinish>(device, tile),
            16 => LoadTile<TCopy, TTensorCore, SixteenRows, TFinish>(device, tile),
            32 => LoadTile<TCopy, TTensorCore, TwiceTile<SixteenRows>, TFinish>(device, tile),
            _ => LoadTile<TCopy, TTensorCore, TwiceTile<TwiceTile<SixteenRows>>, TFinish>(device, tile),
        };

    private static Launcher LoadTile<TCopy, TTensorCore, TTile, TFinish>(GpuDevice device, int tile)
        where TCopy : struct, ISharedCopy
        where TTensorCore : struct, ITensorCore
        where TTile : struct, ISkinnyTile
        where TFinish : struct, ISkinnyFinish =>
        device.Kernels.Load<Launcher>(TensorCore<TCopy, TTensorCore, TTile, TFinish>, 32 * MaximumWarps, dynamicSharedBytes: 16 * SkinnyTile.SharedOf(tile, MaximumWarps));

    private static StagedLauncher LoadStaged(GpuDevice device, bool isNormed, Epilogue epilogue, DType result) => (epilogue, result) switch
    {
        (Epilogue.None, DType.F32) => LoadStaged<Stored<Float32, Identity>>(device, isNormed),
        (Epilogue.None, _) => LoadStaged<Stored<TElement, Identity>>(device, isNormed),
        (Epilogue.Gelu, DType.F32) => LoadStaged<Stored<Float32, Gelu>>(device, isNormed),
        (Epilogue.Gelu, _) => LoadStaged<Stored<TElement, Gelu>>(device, isNormed),
        _ => LoadStaged<Added>(device, isNormed),
    };

    private static StagedLauncher LoadStaged<TFinish>(GpuDevice device, bool isNormed)
        where TFinish : struct, ISkinnyFinish => TElement.Type switch
        {
            DType.BF16 => LoadStaged<AsynchronousCopy, AmpereBFloat16, TFinish>(device, isNormed),
            _ when device.ComputeCapability >= 80 => LoadStaged<AsynchronousCopy, AmpereFloat16, TFinish>(device, isNormed),
            _ => LoadStaged<PlainCopy, TuringFloat16, TFinish>(device, isNormed),
        };

    private static StagedLauncher LoadStaged<TCopy, TTensorCore, TFinish>(GpuDevice device, bool isNormed)
        where TCopy : struct, ISharedCopy
        where TTensorCore : struct, ITensorCore
        where TFinish : struct, ISkinnyFinish => isNormed
            ? LoadSource<TCopy, TTensorCore, NormalisedRows<TElement>, TFinish>(device)
            : LoadSource<TCopy, TTensorCore, CopiedRows, TFinish>(device);

    private static StagedLauncher LoadSource<TCopy, TTensorCore, TSource, TFinish>(GpuDevice device)
        where TCopy : struct, ISharedCopy
        where TTensorCore : struct, ITensorCore
        where TSource : struct, ISkinnySource
        where TFinish : struct, ISkinnyFinish =>
        device.Kernels.Load<StagedLauncher>(
            Staged<TCopy, TTensorCore, TSource, TFinish>, 32 * MaximumWarps, dynamicSharedBytes: (16 * SkinnyTile.SharedOf(EightRows.Rows, MaximumWarps)) + StagedBytes);

    private static Launcher LoadMultiplyAdd<TRows, TFinish>(GpuDevice device)
        where TRows : struct, ISkinnyRows
        where TFinish : struct, ISkinnyFinish =>
        device.Kernels.Load<Launcher>(MultiplyAdd<TRows, TFinish>, MultiplyAddThreads);
}
