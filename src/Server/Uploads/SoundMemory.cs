using Handwritten.Runtime.Audio;
using Handwritten.Runtime.Serving;
using Handwritten.Server.Errors;

namespace Handwritten.Server.Uploads;

/// <summary>
/// The memory that decoded recordings, and large bodies of JSON, may take, all together. A file of 30 KB can hold four hours of silence, so nobody knows
/// what an upload will take until it is decoded: each takes its share as its samples come, and gives it back when its
/// transcript is done.
/// <code>
///     budget    [ recording ][ recording, growing &gt;            ][ kept for short ones ]
///                 no room, and even alone there would be none        503 out_of_memory
///                 no room because of the others                      429 engine_busy
/// </code>
/// </summary>
internal sealed class SoundMemory(ServerOptions options) : IDisposable
{
    /// <summary>The sample itself, and as much again for the spectrogram that is made of it: 128 bands of 160 samples are 0.8 of that.</summary>
    public const int BytesPerSample = 2 * sizeof(float);

    /// <summary>A recording of so many samples is a long one.</summary>
    public const long LongSamples = 300 * AudioClip.SampleRate;

    private const long MostForShort = 256 << 20;
    private const long WorthCollecting = 64 << 20;

    private static readonly TimeSpan RetryAfter = TimeSpan.FromSeconds(5), UntilNobodyHoldsIt = TimeSpan.FromSeconds(1);

    private readonly long _forShort = Math.Min(options.MaximumDecodedBytes / 8, MostForShort);
    private readonly Lock _gate = new();
    private readonly CancellationTokenSource _ending = new();
    private bool _isCollecting;
    private long _held, _releases;

    /// <summary>Bytes that recordings hold.</summary>
    public long Held => Interlocked.Read(ref _held);

    /// <summary>Opens a share without memory yet.</summary>
    public Share Open() => new(this);

    public void Dispose() => _ending.Cancel();

    private void Grow(Share share, long from, long to)
    {
        long bytes = to * BytesPerSample, more = bytes - (from * BytesPerSample);
        long budget = options.MaximumDecodedBytes - (to > LongSamples ? _forShort : 0);
        if (bytes > budget)
        {
            throw ApiErrors.NoMemory();
        }

        lock (_gate)
        {
            if (_held + more > budget)
            {
                // What it has is free before another one looks: of several that grow side by side, the last finds room.
                share.Dispose();
                throw new EngineBusyException("Other requests take the memory that this one needs. Try again later.", RetryAfter);
            }

            _held += more;
        }
    }

    private void Release(long bytes)
    {
        lock (_gate)
        {
            _held -= bytes;
            if (bytes < WorthCollecting)
            {
                return;
            }

            _releases++;
            if (_isCollecting)
            {
                return;
            }

            _isCollecting = true;
        }

        _ = CollectAsync();
    }

    /// <summary>
    /// Gives the memory of long recordings back to the system, which .NET by itself does when it finds time: hours later, where
    /// nobody asks for much. There is little to go through, since weights and caches lie outside of .NET's heap.
    /// </summary>
    private async Task CollectAsync()
    {
        for (long seen = -1; ;)
        {
            lock (_gate)
            {
                if (seen == _releases || _ending.IsCancellationRequested)
                {
                    _isCollecting = false;
                    return;
                }

                seen = _releases;
            }

            await Task.Delay(UntilNobodyHoldsIt, _ending.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            GC.Collect(GC.MaxGeneration, GCCollectionMode.Aggressive, blocking: true, compacting: true);
        }
    }

    /// <summary>What one recording takes.</summary>
    public sealed class Share(SoundMemory memory) : IDisposable
    {
        private long _samples;

        /// <summary>Takes memory for so many samples in all.</summary>
        /// <exception cref="ApiException">There will never be so much.</exception>
        /// <exception cref="EngineBusyException">There is not so much now; the share is given back.</exception>
        public void Grow(long samples)
        {
            memory.Grow(this, _samples, samples);
            _samples = samples;
        }

        /// <summary>Gives all of it back.</summary>
        public void Dispose() => memory.Release(Interlocked.Exchange(ref _samples, 0) * BytesPerSample);
    }
}
