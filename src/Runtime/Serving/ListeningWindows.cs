using Handwritten.Kernels.Gpu;
using Handwritten.Model;
using Handwritten.Runtime.Transcription.Words;

namespace Handwritten.Runtime.Serving;

/// <summary>The audio side: encodes windows and has the decoder listen to them.</summary>
internal sealed class ListeningWindows : IDisposable
{
    /// <summary>Besides the lanes that are given out there is one for what is over within a turn.</summary>
    public const int PassingLanes = 1;

    private readonly WhisperModel _model;
    private readonly EncoderState _encoder;

    /// <summary>Allocates the buffers.</summary>
    /// <exception cref="GpuException">They do not fit the device's memory.</exception>
    public ListeningWindows(WhisperModel model, EngineOptions options)
    {
        _model = model;
        WhisperNetwork network = model.Network;
        int windowsOfPass = options.WindowsOfPass(network.Kernels), lanes = options.Lanes + PassingLanes, outputs = Math.Max(WordAligner.RowsAtOnce, lanes);
        MemoryEstimate estimate = new($"{model.Name} for {options.Windows} windows and {options.Lanes} lanes at the same time");
        network.Encoder.Estimate(estimate, windowsOfPass);
        network.Decoder.Estimate(estimate, options.Windows, lanes, outputs);
        estimate.Add("spectrograms", (long)(options.Windows * options.LongSeconds * WhisperAudio.FramesPerSecond * model.Dimensions.MelBins));
        network.Kernels.Require(estimate);
        _encoder = network.Encoder.CreateState(windowsOfPass);
        try
        {
            Decoder = network.Decoder.CreateState(options.Windows, lanes, outputs);
        }
        catch
        {
            _encoder.Dispose();
            throw;
        }
    }

    /// <summary>The decoder's side.</summary>
    public DecoderState Decoder { get; }

    /// <summary>Encodes what the jobs ask for, each into its run's window.</summary>
    public void Listen(IReadOnlyList<ListenJob> jobs)
    {
        for (int i = 0; i < jobs.Count; i++)
        {
            _model.Network.Kernels.CopyWindow(jobs[i].Run.Mel!, jobs[i].Seek, jobs[i].Frames, _encoder.LogMel, i);
        }

        _model.Network.Encoder.Forward(_encoder, jobs.Count);
        _model.Network.Decoder.Listen(Decoder, _encoder.Output, [.. jobs.Select(job => job.Run.Window!.Value)]);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _encoder.Dispose();
        Decoder.Dispose();
    }
}
