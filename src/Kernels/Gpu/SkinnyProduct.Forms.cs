namespace Handwritten.Kernels.Gpu;

/// <content>The compiled forms: one choice after another, each of which is a type argument of the next.</content>
internal sealed partial class SkinnyProduct<TElement>
{
    /// <summary>Where rows are read: see <see cref="ISkinnySource"/>.</summary>
    private enum Source
    {
        InPlace,
        Copied,
        Normalised,
    }

    /// <summary>Every form that <see cref="Run"/> and <see cref="RunNormed"/> ask for.</summary>
    private static IEnumerable<Form> Forms(GpuDevice device) =>
        from source in TElement.Type == DType.F32 ? [Source.InPlace] : Enum.GetValues<Source>()
        from tile in source == Source.InPlace ? Tiles(device) : [StagedRows]
        from isInt8 in (bool[])[false, true]
        from end in Ends.Distinct()
        where source != Source.Normalised || end.Epilogue != Epilogue.AddToOutput
        select new Form(source, tile, isInt8, end.Epilogue, end.Result);

    private static (Epilogue Epilogue, DType Result)[] Ends =>
        [(Epilogue.None, TElement.Type), (Epilogue.None, DType.F32), (Epilogue.Gelu, TElement.Type), (Epilogue.Gelu, DType.F32), (Epilogue.AddToOutput, DType.F32)];

    /// <summary>
    /// Rows of a block, ascending. More rows than the last are several blocks, which find the weights in the L2 cache.
    /// </summary>
    private static int[] Tiles(GpuDevice device) => TElement.Type == DType.F32
        ? [1, 2, 4, 8]
        : device.ComputeCapability >= 80 ? [8, 16, 32, 64] : [8, 16, 32]; // Turing's instructions keep more registers busy

    private static SkinnyLaunch Load(GpuDevice device, Form form) => (form.Epilogue, form.Result) switch
    {
        (Epilogue.None, DType.F32) => LoadFormat<Stored<Float32, Identity>>(device, form),
        (Epilogue.None, _) => LoadFormat<Stored<TElement, Identity>>(device, form),
        (Epilogue.Gelu, DType.F32) => LoadFormat<Stored<Float32, Gelu>>(device, form),
        (Epilogue.Gelu, _) => LoadFormat<Stored<TElement, Gelu>>(device, form),
        (Epilogue.AddToOutput, DType.F32) => LoadFormat<Added>(device, form),
        _ => throw new ArgumentException($"A product's sums go to a float32 tensor, not to one of {form.Result}."),
    };

    private static SkinnyLaunch LoadFormat<TFinish>(GpuDevice device, Form form)
        where TFinish : struct, ISkinnyFinish =>
        form.IsInt8 ? Load<Int8Weights, TFinish>(device, form) : Load<ElementWeights<TElement>, TFinish>(device, form);

    private static SkinnyLaunch Load<TFormat, TFinish>(GpuDevice device, Form form)
        where TFormat : struct, IWeightFormat
        where TFinish : struct, ISkinnyFinish => TElement.Type switch
        {
            DType.F32 => form.Tile switch
            {
                1 => LoadMultiplyAdd<TFormat, OneRow, TFinish>(device),
                2 => LoadMultiplyAdd<TFormat, TwiceRows<OneRow>, TFinish>(device),
                4 => LoadMultiplyAdd<TFormat, TwiceRows<TwiceRows<OneRow>>, TFinish>(device),
                _ => LoadMultiplyAdd<TFormat, TwiceRows<TwiceRows<TwiceRows<OneRow>>>, TFinish>(device),
            },
            DType.BF16 => LoadTensorCore<AsynchronousCopy, AmpereBFloat16, TFormat, TFinish>(device, form),
            _ when device.ComputeCapability >= 80 => LoadTensorCore<AsynchronousCopy, AmpereFloat16, TFormat, TFinish>(device, form),
            _ => LoadTensorCore<PlainCopy, TuringFloat16, TFormat, TFinish>(device, form),
        };

    private static SkinnyLaunch LoadTensorCore<TCopy, TTensorCore, TFormat, TFinish>(GpuDevice device, Form form)
        where TCopy : struct, ISharedCopy
        where TTensorCore : struct, ITensorCore
        where TFormat : struct, IWeightFormat
        where TFinish : struct, ISkinnyFinish => (form.Source, form.Tile) switch
        {
            (Source.Copied, _) => LoadTile<TCopy, TTensorCore, TFormat, CopiedRows, EightRows, TFinish>(device, form),
            (Source.Normalised, _) => LoadTile<TCopy, TTensorCore, TFormat, NormalisedRows<TElement>, EightRows, TFinish>(device, form),
            (_, 8) => LoadTile<TCopy, TTensorCore, TFormat, RowsInPlace, EightRows, TFinish>(device, form),
            (_, 16) => LoadTile<TCopy, TTensorCore, TFormat, RowsInPlace, SixteenRows, TFinish>(device, form),
            (_, 32) => LoadTile<TCopy, TTensorCore, TFormat, RowsInPlace, TwiceTile<SixteenRows>, TFinish>(device, form),
            _ => LoadTile<TCopy, TTensorCore, TFormat, RowsInPlace, TwiceTile<TwiceTile<SixteenRows>>, TFinish>(device, form),
        };

    private static SkinnyLaunch LoadTile<TCopy, TTensorCore, TFormat, TSource, TTile, TFinish>(GpuDevice device, Form form)
        where TCopy : struct, ISharedCopy
        where TTensorCore : struct, ITensorCore
        where TFormat : struct, IWeightFormat
        where TSource : struct, ISkinnySource
        where TTile : struct, ISkinnyTile
        where TFinish : struct, ISkinnyFinish => device.Kernels.Load<SkinnyLaunch>(
            TensorCore<TCopy, TTensorCore, TFormat, TSource, TTile, TFinish>,
            32 * MaximumWarps,
            dynamicSharedBytes: (16 * SkinnyTile.SharedOf(form.Tile, MaximumWarps)) + (form.Source == Source.InPlace ? 0 : StagedBytes),
            maximumRegisters: form is { Tile: >= 32, IsInt8: true } && TElement.Type == DType.BF16 ? 80 : 0); // left alone, ptxas 12.4 takes 40 or 64 and spills some

    private static SkinnyLaunch LoadMultiplyAdd<TFormat, TRows, TFinish>(GpuDevice device)
        where TFormat : struct, IWeightFormat
        where TRows : struct, ISkinnyRows
        where TFinish : struct, ISkinnyFinish =>
        device.Kernels.Load<SkinnyLaunch>(MultiplyAdd<TFormat, TRows, TFinish>, MultiplyAddThreads);

    /// <summary>What a compiled form depends on, besides the compute type and the device.</summary>
    private readonly record struct Form(Source Source, int Tile, bool IsInt8, Epilogue Epilogue, DType Result);
}
