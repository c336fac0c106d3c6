using Handwritten.Model;

namespace Handwritten.Runtime.Serving;

/// <summary>Transcribes many recordings with one model at the same time.</summary>
public sealed class TranscriptionEngine : IAsyncDisposable
{
    /// <summary>Allocates the memory of windows and lanes, and starts the engine's thread.</summary>
    /// <param name="model">The model; nobody else uses it until the engine is disposed. Not disposed with the engine.</param>
    /// <param name="options">How much it does at the same time.</param>
    /// <exception cref="ArgumentOutOfRangeException">An option makes no sense.</exception>
    public TranscriptionEngine(WhisperModel model, EngineOptions? options = null)
    {
        (Model, Options) = (model, options ?? new EngineOptions());
        Options.Validate();
    }

    /// <summary>The model.</summary>
    public WhisperModel Model { get; }

    /// <summary>How much it does at the same time.</summary>
    public EngineOptions Options { get; }

    /// <summary>How it stands, and what it has done.</summary>
    public EngineStatistics Statistics => throw new NotImplementedException();

    /// <summary>Accepts a request, or refuses it at once.</summary>
    /// <param name="request">The recording and how to transcribe it.</param>
    /// <param name="cancellation">Frees what the request holds before the next step.</param>
    /// <exception cref="EngineBusyException">The queue is full.</exception>
    /// <exception cref="EngineStoppedException">The engine is being shut down.</exception>
    /// <exception cref="Decoding.OptionsException">The options make no sense, or ask for more lanes than there are.</exception>
    /// <exception cref="Audio.AudioException">A sample is no number, or far beyond [−1, 1].</exception>
    public ServedTranscription Start(EngineRequest request, CancellationToken cancellation = default) => throw new NotImplementedException();

    /// <summary>Takes no further requests, and waits until those it has are done.</summary>
    /// <param name="cancellation">Cancels those that are not done.</param>
    public Task StopAsync(CancellationToken cancellation = default) => throw new NotImplementedException();

    /// <summary>Cancels all requests, waits for the engine's thread and frees the memory.</summary>
    public ValueTask DisposeAsync() => throw new NotImplementedException();
}
