using Handwritten.Kernels.Gpu;
using Handwritten.Model;
using Handwritten.Runtime.Transcription.Words;

namespace Handwritten.Runtime.Serving;

/// <summary>
/// The audio side: computes spectrograms, encodes windows, a few at once, and has the decoder listen to them.
/// <code>
///     spectrogram of a recording ── once ──> frames of one window ── encoder ──> what the decoder's lanes attend to
/// </code>
/// The most urgent windows go first; <see cref="EncoderCourtesy"/> tells when the encoder waits for the texts.
/// </summary>
internal sealed class ListeningWindows : IDisposable
{
    /// <summary>Besides the lanes that are given out there is one for what is over within a turn.</summary>
    public const int PassingLanes = 1;

    private readonly WhisperModel _model;
    private readonly EncoderState _encoder;
    private readonly int _windowsOfPass;
    private readonly EncoderCourtesy _courtesy = new();
    private readonly List<SpectrogramJob> _spectrograms = [];
    private readonly List<ListenJob> _listens = [];

    /// <summary>Allocates the buffers.</summary>
    /// <exception cref="GpuException">They do not fit the device's memory.</exception>
    public ListeningWindows(WhisperModel model, EngineOptions options)
    {
        _model = model;
        WhisperNetwork network = model.Network;
        _windowsOfPass = options.WindowsOfPass(network.Kernels);
        int lanes = options.Lanes + PassingLanes, outputs = Math.Max(WordAligner.RowsAtOnce, lanes);
        MemoryEstimate estimate = new($"{model.Name} for {options.Windows} windows and {options.Lanes} lanes at the same time");
        network.Encoder.Estimate(estimate, _windowsOfPass);
        network.Decoder.Estimate(estimate, options.Windows, lanes, outputs);
        estimate.Add("spectrograms", (long)(options.Windows * options.LongSeconds * WhisperAudio.FramesPerSecond * model.Dimensions.MelBins));
        network.Kernels.Require(estimate);
        _encoder = network.Encoder.CreateState(_windowsOfPass);
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

    /// <summary>Whether a turn has anything to do.</summary>
    public bool HasWork => _spectrograms.Count + _listens.Count > 0;

    /// <summary>Takes a recording whose spectrogram is wanted.</summary>
    public void Add(SpectrogramJob job) => _spectrograms.Add(job);

    /// <summary>Takes what a run wants to listen to in the window that it holds.</summary>
    public void Add(ListenJob job) => _listens.Add(job);

    /// <summary>Forgets what nobody waits for.</summary>
    public void ForgetCancelled()
    {
        _spectrograms.FailCancelled();
        _listens.FailCancelled();
    }

    /// <summary>Computes all spectrograms, and makes one pass of the encoder.</summary>
    /// <param name="liveIsUnderWay">Whether somebody's speech is being followed.</param>
    /// <param name="textsGoOn">Whether there is a step to do meanwhile.</param>
    /// <param name="counters">Count what is done.</param>
    public void Turn(bool liveIsUnderWay, bool textsGoOn, ref EngineCounters counters)
    {
        ComputeSpectrograms();
        ListenJob[] batch = [.. _listens.OrderBy(job => job.Run.Claim.Priority).Take(_windowsOfPass)];
        if (batch.Length > 0 && _courtesy.MayEncode(batch[0].Run.Claim.Priority, liveIsUnderWay, textsGoOn))
        {
            _listens.RemoveAll(batch.Contains);
            Encode(batch, ref counters);
        }
    }

    /// <summary>Lets nobody wait any longer.</summary>
    public void FailAll(Exception exception)
    {
        _spectrograms.FailAll(exception);
        _listens.FailAll(exception);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _encoder.Dispose();
        Decoder.Dispose();
    }

    private void ComputeSpectrograms()
    {
        foreach (SpectrogramJob job in _spectrograms)
        {
            try
            {
                job.Run.Mel = _model.Network.Frontend.Compute(job.Samples.Span, WhisperAudio.WindowSamples);
                job.Complete(job.Run.Mel.Shape[0]);
            }
            catch (Exception exception)
            {
                job.Fail(exception);
            }
        }

        _spectrograms.Clear();
    }

    /// <summary>Encodes what the jobs ask for, each into its run's window.</summary>
    private void Encode(ListenJob[] jobs, ref EngineCounters counters)
    {
        try
        {
            for (int i = 0; i < jobs.Length; i++)
            {
                _model.Network.Kernels.CopyWindow(jobs[i].Run.Mel!, jobs[i].Seek, jobs[i].Frames, _encoder.LogMel, i);
            }

            _model.Network.Encoder.Forward(_encoder, jobs.Length);
            _model.Network.Decoder.Listen(Decoder, _encoder.Output, [.. jobs.Select(job => job.Run.Window!.Value)]);
        }
        catch (Exception exception)
        {
            Array.ForEach(jobs, job => job.Fail(exception));
            return;
        }

        counters.EncoderPasses++;
        counters.EncodedWindows += jobs.Length;
        foreach (ListenJob job in jobs)
        {
            job.Run.Heard = (job.Seek, job.Frames);
            job.Complete(true);
        }
    }
}
