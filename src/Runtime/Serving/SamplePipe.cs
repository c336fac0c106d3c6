using System.Buffers;
using System.IO.Pipelines;
using System.Runtime.InteropServices;
using Handwritten.Model;
using Handwritten.Runtime.Audio;

namespace Handwritten.Runtime.Serving;

/// <summary>
/// Samples on their way from who speaks to who listens: written in chunks of any size, read in windows of one size. Whoever
/// writes waits while 30 seconds are unread. For several writers, one after another, and one reader.
/// </summary>
/// <param name="windowSamples">Samples of a window.</param>
internal sealed class SamplePipe(int windowSamples) : IAsyncDisposable
{
    private const int Chunk = WhisperAudio.SampleRate; // samples that are handed on at once: a second

    private readonly Pipe _bytes = new(new PipeOptions(
        pauseWriterThreshold: WhisperAudio.WindowSamples * sizeof(float),
        resumeWriterThreshold: WhisperAudio.WindowSamples / 2 * sizeof(float),
        useSynchronizationContext: false));

    private readonly SemaphoreSlim _writing = new(1);
    private readonly int _windowBytes = windowSamples * sizeof(float);
    private bool _complete;

    /// <inheritdoc cref="LiveTranscription.WriteAsync"/>
    public async ValueTask WriteAsync(ReadOnlyMemory<float> samples, CancellationToken cancellation)
    {
        AudioClip.RequireSound(samples.Span);
        await _writing.WaitAsync(cancellation).ConfigureAwait(false);
        try
        {
            for (int first = 0; first < samples.Length; first += Chunk)
            {
                if (_complete)
                {
                    throw new InvalidOperationException("The stream is complete.");
                }

                ReadOnlyMemory<float> part = samples.Slice(first, Math.Min(Chunk, samples.Length - first));
                MemoryMarshal.AsBytes(part.Span).CopyTo(_bytes.Writer.GetSpan(part.Length * sizeof(float)));
                _bytes.Writer.Advance(part.Length * sizeof(float));
                FlushResult flushed = await _bytes.Writer.FlushAsync(cancellation).ConfigureAwait(false);
                if (flushed.IsCompleted)
                {
                    throw new InvalidOperationException("The stream has ended: its events say why.");
                }
            }
        }
        finally
        {
            _writing.Release();
        }
    }

    /// <summary>No samples follow.</summary>
    public void Complete()
    {
        _writing.Wait();
        _complete = true;
        _bytes.Writer.Complete();
        _writing.Release();
    }

    /// <summary>Waits for the next window; the last one is filled up with silence.</summary>
    /// <param name="window">Takes the samples.</param>
    /// <param name="cancellation">Ends the waiting.</param>
    /// <returns>Whether it is the last one, and if not, whether the next one is there already.</returns>
    public async ValueTask<(bool IsLast, bool MoreWaits)> ReadAsync(Memory<float> window, CancellationToken cancellation)
    {
        ReadResult read = await _bytes.Reader.ReadAtLeastAsync(_windowBytes, cancellation).ConfigureAwait(false);
        ReadOnlySequence<byte> unread = read.Buffer;
        if (unread.Length < _windowBytes)
        {
            window.Span.Clear();
            unread.CopyTo(MemoryMarshal.AsBytes(window.Span));
            _bytes.Reader.AdvanceTo(unread.End);
            return (IsLast: true, MoreWaits: false);
        }

        unread.Slice(0, _windowBytes).CopyTo(MemoryMarshal.AsBytes(window.Span));
        bool moreWaits = unread.Length >= 2 * _windowBytes;
        _bytes.Reader.AdvanceTo(unread.GetPosition(_windowBytes));
        return (IsLast: false, moreWaits);
    }

    /// <summary>Nobody reads any more; whoever still writes is told so.</summary>
    public ValueTask DisposeAsync() => _bytes.Reader.CompleteAsync();
}
