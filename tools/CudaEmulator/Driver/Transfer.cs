using Handwritten.CudaEmulator.Device;

namespace Handwritten.CudaEmulator.Driver;

/// <summary>
/// cuMemcpy… and cuMemset…: when they return. The device can read and write page-locked memory by itself, so an asynchronous
/// copy of such memory returns at once. Of pageable memory it knows nothing: the driver takes a copy of a small source and
/// returns, and waits for everything else. A copy within devices is never waited for, not even by the synchronous calls.
/// </summary>
internal static unsafe class Transfer
{
    /// <summary>The largest pageable source that the driver takes a copy of.</summary>
    public const int MaxStagedBytes = 64 * 1024;

    /// <summary>Copies bytes in a stream's order.</summary>
    /// <param name="stream">Where.</param>
    /// <param name="destination">Where to.</param>
    /// <param name="source">Where from.</param>
    /// <param name="bytes">How many; of 0 nothing comes.</param>
    /// <param name="isAsync">Whether the call is one of the ...Async ones.</param>
    public static void Copy(CudaStream stream, Place destination, Place source, ulong bytes, bool isAsync)
    {
        if (bytes == 0)
            return;
        CopyWork copy = new(destination, source, bytes);
        if (stream.Capture is not null)
            stream.Add(copy);
        else if (source.Kind == PlaceKind.Pageable && bytes <= MaxStagedBytes && destination.Kind != PlaceKind.Pageable)
            stream.Add(Staged(copy));
        else if (destination.Kind == PlaceKind.Pageable || source.Kind == PlaceKind.Pageable)
            stream.AddAndWait(copy);
        else if (isAsync || (destination.Kind == PlaceKind.Device && source.Kind == PlaceKind.Device))
            stream.Add(copy);
        else
            stream.AddAndWait(copy);
    }

    /// <summary>Writes an element over and over, in a stream's order.</summary>
    /// <exception cref="CudaException">InvalidValue: the destination is not a multiple of the element's size.</exception>
    public static void Fill(CudaStream stream, Place destination, uint value, int elementBytes, ulong count, bool isAsync)
    {
        CudaException.Require(destination.Address % (ulong)elementBytes == 0, CudaResult.InvalidValue,
            $"0x{destination.Address:x} is no place for elements of {elementBytes} bytes.");
        if (count == 0)
            return;
        FillWork fill = new(destination, value, elementBytes, count);
        if (isAsync || destination.Kind == PlaceKind.Device)
            stream.Add(fill);
        else
            stream.AddAndWait(fill);
    }

    private static CopyWork Staged(CopyWork copy)
    {
        byte[] staging = GC.AllocateUninitializedArray<byte>((int)copy.Bytes, pinned: true);
        new ReadOnlySpan<byte>((void*)copy.Source.Address, staging.Length).CopyTo(staging);
        fixed (byte* bytes = staging)
            return copy with { Source = copy.Source with { Address = (ulong)bytes }, Staging = staging };
    }
}
