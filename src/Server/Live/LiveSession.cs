using System.Threading.Channels;
using Handwritten.Runtime.Serving;
using Handwritten.Server.Errors;
using Handwritten.Server.Models;
using Handwritten.Server.Operation;
using Handwritten.Server.Recognition;

namespace Handwritten.Server.Live;

/// <summary>
/// What becomes of a stream's sound: parts, one after the other, each a transcription with the settings of its time.
/// <code>
///     sound     ────────── commit ────── clear ─── other settings ─────── end
///     parts     [   first   ]    [ dropped ]   [ third ]      [   fourth    ]
/// </code>
/// A part begins with its first sound. One that fails takes what has come of it along. One side writes, another reads the parts and what is heard in them; a reader that is
/// many parts behind lets the writer wait.
/// </summary>
internal sealed class LiveSession(ModelCatalogue models, Recognizer recognizer, Telemetry telemetry, RequestLog log, StreamSettings settings) : IAsyncDisposable
{
    private const int MostWaiting = 4;

    private readonly Channel<StreamPart> _parts = Channel.CreateBounded<StreamPart>(MostWaiting);
    private StreamSettings _settings = settings;
    private StreamPart? _current;
    private double _end;

    /// <summary>The parts as they begin, once; whoever reads them disposes of them.</summary>
    public IAsyncEnumerable<StreamPart> Parts(CancellationToken cancellation) => _parts.Reader.ReadAllAsync(cancellation);

    /// <summary>Takes sound.</summary>
    /// <exception cref="ApiException">The model cannot be used.</exception>
    /// <exception cref="Runtime.Audio.AudioException">It is no sound.</exception>
    public async Task WriteAsync(ReadOnlyMemory<byte> sound, CancellationToken cancellation)
    {
        if (_current is { Live.HasEnded: true })
        {
            Leave(); // it has failed, and what follows is another part
        }

        if (_current is null)
        {
            _current = await OpenAsync(cancellation);
            await _parts.Writer.WriteAsync(_current, cancellation);
        }

        await _current.WriteAsync(sound, cancellation);
    }

    /// <summary>Ends the part under way, if one is: what was said in it becomes final.</summary>
    /// <param name="isCommitted">Whether the client takes it for a whole.</param>
    /// <param name="cancellation">Ends the waiting.</param>
    public async Task EndPartAsync(bool isCommitted, CancellationToken cancellation)
    {
        if (Leave() is { } part)
        {
            await part.FinishAsync(isCommitted, cancellation);
        }
    }

    /// <summary>Forgets the part under way, if one is.</summary>
    public async Task ClearAsync()
    {
        if (Leave() is { } part)
        {
            await part.DropAsync();
        }
    }

    /// <summary>Understands what follows by other settings; the part under way ends.</summary>
    public async Task ConfigureAsync(StreamSettings settings, CancellationToken cancellation)
    {
        await EndPartAsync(isCommitted: false, cancellation);
        _settings = settings;
    }

    /// <summary>Ends the part under way; no others follow.</summary>
    public async Task CompleteAsync(CancellationToken cancellation)
    {
        await EndPartAsync(isCommitted: false, cancellation);
        _parts.Writer.Complete();
    }

    public async ValueTask DisposeAsync()
    {
        _parts.Writer.TryComplete();
        while (_parts.Reader.TryRead(out StreamPart? part))
        {
            await part.DisposeAsync();
        }

        if (_current is not null)
        {
            await _current.DisposeAsync();
        }
    }

    private async Task<StreamPart> OpenAsync(CancellationToken cancellation)
    {
        ModelLease lease = await models.Find(_settings.Model).AcquireAsync(cancellation);
        try
        {
            LiveTranscription live = recognizer.Listen(lease, _settings.Options);
            return new StreamPart(lease, live, _settings, _end, new PartRecord(telemetry, log, _settings.Options, lease.Model.Model.Name));
        }
        catch
        {
            lease.Dispose();
            throw;
        }
    }

    private StreamPart? Leave()
    {
        StreamPart? part = _current;
        _current = null;
        _end = part?.End ?? _end;
        return part;
    }
}
