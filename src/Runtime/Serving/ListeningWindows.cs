using Handwritten.Kernels.Gpu;
using Handwritten.Model;
using Handwritten.Runtime.Transcription.Words;

namespace Handwritten.Runtime.Serving;

/// <summary>
/// The audio side: computes spectrograms, encodes windows, a few at once, and has the decoder listen to them.
/// <code>
///     spectrogram of a recording ── once ──> frames of one window ── encoder ──> what the decoder's lanes attend to
/// </code>
/// Whose window goes first <see cref="FairTurns{T}"/> tells, so that nobody keeps a window that is never encoded; when the encoder waits for
/// the texts, <see cref="EncoderCourtesy"/>.
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
    private readonly FairTurns<ListenJob> _listens = new();

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
    public void Add(ListenJob job) => _listens.Add(job, job.Run.Claim);

    /// <summary>Forgets what nobody waits for.</summary>
    public void ForgetCancelled()
    {
        _spectrograms.RemoveAll(WaitingJobs.FailIfCancelled);
        _listens.RemoveAll(WaitingJobs.FailIfCancelled);
    }

    /// <summary>Computes all spectrograms, and makes one pass of the encoder.</summary>
    /// <param name="liveIsUnderWay">Whether somebody's speech is being followed.</param>
    /// <param name="textsGoOn">Whether there is a step to do meanwhile.</param>
    /// <param name="counters">Count what is done.</param>
    public void Turn(bool liveIsUnderWay, bool textsGoOn, ref EngineCounters counters)
    {
        ComputeSpectrograms();
        if (_listens.Count > 0 && _courtesy.MayEncode(_listens.Items.Min(job => job.Run.Owner.Request.Priority), liveIsUnderWay, textsGoOn))
        {
            Encode(TakeBatch(), ref counters);
        }
    }

    /// <summary>Lets nobody wait any longer.</summary>
    public void FailAll(Exception exception)
    {
        _spectrograms.FailAll(exception);
        _listens.RemoveAll(job => WaitingJobs.Fail(job, exception));
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

    /// <summary>Those whose turn it is, as many as go through the encoder at once.</summary>
    private ListenJob[] TakeBatch()
    {
        List<ListenJob> batch = [];
        while (batch.Count < _windowsOfPass && _listens.TryTake(static (_, _) => true, out ListenJob? job))
        {
            batch.Add(job);
        }

        return [.. batch];
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
