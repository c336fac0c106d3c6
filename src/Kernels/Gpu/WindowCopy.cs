using ILGPU;
using ILGPU.Runtime;

namespace Handwritten.Kernels.Gpu;

/// <summary>
/// Cuts the frames that a window hears out of a recording's log-mel spectrogram, and rounds them to the compute type:
/// <code>
///     mel, float32     ......[first ─── count frames ───)......
///     window           [──────────────────────────────── 0 0 0 0]     zeros behind them, up to the window's frames
/// </code>
/// A frame is a row in both, so this is one contiguous copy; a thread moves eight elements. Bytes: 4 to read and the
/// element to write, for each of frames · mels elements; bound by memory.
/// </summary>
internal sealed class WindowCopy<TElement>(GpuDevice device)
    where TElement : struct, IElement
{
    private const int Threads = 256;

    private readonly Lazy<Action<AcceleratorStream, KernelConfig, ArrayView<Bits128>, long, int, ArrayView<Bits128>, long, int>> _kernel =
        new(() => device.Kernels.Load<Action<AcceleratorStream, KernelConfig, ArrayView<Bits128>, long, int, ArrayView<Bits128>, long, int>>(Kernel, Threads));

    /// <summary>Copies <paramref name="count"/> frames from frame <paramref name="first"/> on, and clears the rest of the window.</summary>
    /// <param name="mel">[frames of the recording, mels] float32; mels is a multiple of 8.</param>
    /// <param name="first">The first frame.</param>
    /// <param name="count">Frames to copy.</param>
    /// <param name="windows">[windows, frames, mels].</param>
    /// <param name="index">Which window.</param>
    public void Run(GpuTensor mel, int first, int count, GpuTensor windows, int index)
    {
        int eightsOfFrame = windows.Shape[^1] / 8, eights = windows.Shape[^2] * eightsOfFrame;
        _kernel.Value(
            device.Stream, ((eights + Threads - 1) / Threads, Threads),
            mel.Vectors, (long)first * eightsOfFrame, count * eightsOfFrame, windows.Vectors, (long)index * eights, eights);
    }

    private static void Kernel(ArrayView<Bits128> mel, long first, int count, ArrayView<Bits128> windows, long window, int eights)
    {
        int i = (Grid.IdxX * Threads) + Group.IdxX;
        if (i < eights)
        {
            TElement.Store(windows, window + i, i < count ? Float32.Load(mel, first + i) : default);
        }
    }
}
