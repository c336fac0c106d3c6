using Handwritten.Model.VoiceActivity;

namespace Handwritten.Runtime.Serving;

/// <summary>Follows speech while it is spoken.</summary>
public sealed class LiveTranscription : IAsyncDisposable
{
    /// <summary>Begins.</summary>
    /// <param name="engine">Transcribes, before anything else that it has to do.</param>
    /// <param name="vad">Tells where speech begins and ends; shared by all streams.</param>
    /// <param name="options">How.</param>
    /// <exception cref="Decoding.OptionsException">An option makes no sense.</exception>
    public LiveTranscription(TranscriptionEngine engine, SileroVad vad, LiveOptions? options = null) =>
        throw new NotImplementedException();

    /// <summary>Takes samples, in chunks of any size. Waits while 30 seconds are waiting to be heard.</summary>
    /// <param name="samples">Mono at 16 kHz in [−1, 1]; copied.</param>
    /// <param name="cancellation">Ends the waiting.</param>
    /// <exception cref="Audio.AudioException">A sample is no number, or far beyond [−1, 1]; none of the chunk is taken.</exception>
    /// <exception cref="InvalidOperationException">The stream is complete.</exception>
    public ValueTask WriteAsync(ReadOnlyMemory<float> samples, CancellationToken cancellation = default) => throw new NotImplementedException();

    /// <summary>No samples follow: what was said becomes final, and the events end.</summary>
    public void Complete() => throw new NotImplementedException();

    /// <summary>What is heard, once; for one reader, whose slowness slows the stream down. Fails as the engine fails.</summary>
    /// <param name="cancellation">Ends the reading.</param>
    public IAsyncEnumerable<LiveEvent> Events(CancellationToken cancellation = default) => throw new NotImplementedException();

    /// <summary>Ends at once.</summary>
    public ValueTask DisposeAsync() => throw new NotImplementedException();
}
