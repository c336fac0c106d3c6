using Handwritten.Runtime.Serving;
using Handwritten.Server.Models;

namespace Handwritten.Server.Live;

/// <summary>A stretch of a stream that is transcribed with the same settings, and ends when the client says so. It holds its model.</summary>
/// <param name="lease">The model.</param>
/// <param name="live">Follows what is said.</param>
/// <param name="settings">How the sound is to be understood.</param>
/// <param name="begin">Where it begins in the stream, in seconds.</param>
/// <param name="record">What metrics, traces and the log learn of it.</param>
internal sealed class StreamPart(ModelLease lease, LiveTranscription live, StreamSettings settings, double begin, PartRecord record) : IAsyncDisposable
{
    /// <summary>Of a large message not everything becomes samples at once.</summary>
    private const int PieceBytes = 1 << 16;

    private readonly PcmStream _pcm = new(settings.SampleRate, settings.Format);
    private long _bytes;
    private bool _isOver;
    private volatile bool _isDropped;

    /// <summary>Follows what is said.</summary>
    public LiveTranscription Live => live;

    /// <summary>What metrics, traces and the log learn of it.</summary>
    public PartRecord Record => record;

    /// <summary>How the sound is to be understood.</summary>
    public StreamSettings Settings => settings;

    /// <summary>Where it begins in the stream, in seconds.</summary>
    public double Begin => begin;

    /// <summary>Where it ends so far.</summary>
    public double End => begin + Seconds;

    /// <summary>Seconds of sound.</summary>
    public double Seconds => (double)Volatile.Read(ref _bytes) / settings.BytesPerSecond;

    /// <summary>Whether the client committed it; known when it has ended.</summary>
    public bool IsCommitted { get; private set; }

    /// <summary>Whether the client wants to hear nothing of it any more.</summary>
    public bool IsDropped => _isDropped;

    /// <summary>Takes sound; waits while much of it is waiting to be heard.</summary>
    /// <exception cref="Runtime.Audio.AudioException">It is none.</exception>
    public async Task WriteAsync(ReadOnlyMemory<byte> sound, CancellationToken cancellation)
    {
        Interlocked.Add(ref _bytes, sound.Length);
        for (ReadOnlyMemory<byte> rest = sound; !rest.IsEmpty;)
        {
            int piece = Math.Min(PieceBytes, rest.Length);
            await WriteAsync(_pcm.Push(rest.Span[..piece]), cancellation);
            rest = rest[piece..];
        }
    }

    /// <summary>No more sound follows: what was said becomes final.</summary>
    /// <param name="isCommitted">Whether that is a whole.</param>
    /// <param name="cancellation">Ends the waiting.</param>
    public async Task FinishAsync(bool isCommitted, CancellationToken cancellation)
    {
        IsCommitted = isCommitted;
        await WriteAsync(_pcm.Finish(), cancellation);
        live.Complete();
    }

    /// <summary>Forgets it; its events end at once.</summary>
    public async Task DropAsync()
    {
        _isDropped = true;
        await live.DisposeAsync();
    }

    /// <summary>Lets the next part begin with a fresh model, since this one's device is lost.</summary>
    public void RetireModel() => lease.Retire();

    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _isOver, true))
        {
            return;
        }

        await live.DisposeAsync();
        record.End(Seconds);
        lease.Dispose();
    }

    private async Task WriteAsync(ReadOnlyMemory<float> samples, CancellationToken cancellation)
    {
        try
        {
            await live.WriteAsync(samples, cancellation);
        }
        catch (InvalidOperationException) when (live.HasEnded)
        {
            // It has failed; whoever reads its events tells why.
        }
    }
}
