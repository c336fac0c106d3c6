using ILGPU;
using ILGPU.Runtime;

namespace Handwritten.Kernels.Gpu;

/// <summary>
/// Cuts the frames that a window hears out of a recording's log-mel spectrogram, and rounds them to the compute type:
/// <code>
///     mel, float32     ......[first ─── count frames ───)......
///     window           [──────────────────────────────── 0 0 0 0]     zeros behind them, up to the window's frames
/// </code>
/// A frame is a row in both, so this is one contiguous copy; a thread moves four elements, so that a warp reads 512 bytes in a
/// piece. Bytes: 4 to read and the element to write, for each of frames · mels elements; bound by memory.
/// </summary>
internal sealed class WindowCopy<TElement>(GpuDevice device)
    where TElement : struct, IElement
{
    private const int Threads = 256;

    private readonly Lazy<Action<AcceleratorStream, KernelConfig, ArrayView<Bits128>, long, int, ArrayView<Bits128>, long, int>> _kernel =
        new(() => device.Kernels.Load<Action<AcceleratorStream, KernelConfig, ArrayView<Bits128>, long, int, ArrayView<Bits128>, long, int>>(WindowCopyKernel, Threads));

    /// <summary>
    /// Copies <paramref name="count"/> frames from frame <paramref name="first"/> on, and clears the rest of the window.
    /// </summary>
    /// <param name="mel">[frames of the recording, mels] float32; mels is a multiple of 4.</param>
    /// <param name="first">The first frame.</param>
    /// <param name="count">Frames to copy.</param>
    /// <param name="windows">[windows, frames, mels].</param>
    /// <param name="index">Which window.</param>
    public void Run(GpuTensor mel, int first, int count, GpuTensor windows, int index)
    {
        int foursOfFrame = windows.Shape[^1] / 4, fours = windows.Shape[^2] * foursOfFrame;
        _kernel.Value(
            device.Stream, ((fours + Threads - 1) / Threads, Threads),
            mel.Vectors, (long)first * foursOfFrame, count * foursOfFrame, windows.Vectors, (long)index * fours, fours);
    }

    private static void WindowCopyKernel(ArrayView<Bits128> mel, long first, int count, ArrayView<Bits128> windows, long window, int fours)
    {
        int i = (Grid.IdxX * Threads) + Group.IdxX;
        if (i < fours)
        {
            TElement.StoreFour(windows, window + i, i < count ? Four.Load(mel, first + i) : default);
        }
    }
}
