using Handwritten.Kernels;

namespace Handwritten.Model;

/// <summary>
/// Turns samples into log-mel spectrograms with the filters of one model; the arithmetic is
/// <see cref="IKernels.LogMel"/>.
/// </summary>
public sealed class LogMelFrontend : IDisposable
{
    private readonly IKernels _kernels;
    private readonly Tensor _filters;

    /// <summary>Computes the filters.</summary>
    /// <param name="melBins">80, or 128 from large-v3 on.</param>
    /// <param name="kernels">Where to compute.</param>
    public unsafe LogMelFrontend(int melBins, IKernels kernels)
    {
        _kernels = kernels;
        float[] filters = MelFilters.Create(melBins);
        fixed (float* data = filters)
        {
            using HostTensor table = new("mel filters", DType.F32, [melBins, WhisperAudio.FourierBins], (byte*)data);
            _filters = kernels.LoadTable(table);
        }
    }

    /// <summary>The spectrogram of a recording and the silence behind it: [(samples + padding) / 160, mels].</summary>
    /// <param name="samples">Mono samples at 16 kHz in [−1, 1].</param>
    /// <param name="padding">Zero samples that follow.</param>
    public Tensor Compute(ReadOnlySpan<float> samples, int padding) => _kernels.LogMel(samples, padding, _filters);

    /// <summary>
    /// The same on the calling thread alone, whatever other threads do with the back end; null if it cannot do that.
    /// </summary>
    /// <param name="samples">Mono samples at 16 kHz in [−1, 1].</param>
    /// <param name="padding">Zero samples that follow.</param>
    public Tensor? ComputeAside(ReadOnlySpan<float> samples, int padding) => _kernels.LogMelAside(samples, padding, _filters);

    /// <inheritdoc/>
    public void Dispose() => _filters.Dispose();
}
