using Handwritten.Model;

namespace Handwritten.Runtime.Serving;

/// <summary>The audio side: encodes windows and has the decoder listen to them.</summary>
internal sealed class ListeningWindows : IDisposable
{
    /// <summary>Besides the lanes that are given out there is one for what is over within a turn.</summary>
    public const int PassingLanes = 1;

    private readonly WhisperModel _model;
    private readonly EncoderState _encoder;

    /// <summary>Allocates the buffers.</summary>
    public ListeningWindows(WhisperModel model, EngineOptions options)
    {
        _model = model;
        int lanes = options.Lanes + PassingLanes;
        _encoder = model.Network.Encoder.CreateState(options.EncoderBatch);
        try
        {
            Decoder = model.Network.Decoder.CreateState(options.Windows, lanes, Math.Max(Transcription.Words.WordAligner.RowsAtOnce, lanes));
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
