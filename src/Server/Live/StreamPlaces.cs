using Handwritten.Server.Errors;

namespace Handwritten.Server.Live;

/// <summary>How many live streams there may be, in all and of one client, so that nobody takes the last one by himself.</summary>
internal sealed class StreamPlaces(ServerOptions options)
{
    private readonly Lock _gate = new();
    private readonly Dictionary<string, int> _open = [];

    /// <summary>Takes a place; it is free again when what is returned is disposed.</summary>
    /// <param name="client">Whose stream it is.</param>
    /// <exception cref="ApiException">There are too many.</exception>
    public IDisposable Take(string client)
    {
        lock (_gate)
        {
            int own = _open.GetValueOrDefault(client);
            if (_open.Values.Sum() >= options.MaximumStreams || own >= options.MaximumStreamsPerClient)
            {
                throw ApiErrors.Busy("There are too many live streams.", "too_many_streams", TimeSpan.FromSeconds(10));
            }

            _open[client] = own + 1;
        }

        return new Place(this, client);
    }

    private void Leave(string client)
    {
        lock (_gate)
        {
            if (--_open[client] == 0)
            {
                _open.Remove(client);
            }
        }
    }

    private sealed class Place(StreamPlaces places, string client) : IDisposable
    {
        private int _isFree;

        public void Dispose()
        {
            if (Interlocked.Exchange(ref _isFree, 1) == 0)
            {
                places.Leave(client);
            }
        }
    }
}
