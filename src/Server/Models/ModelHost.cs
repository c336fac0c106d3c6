using Handwritten.Kernels.Gpu;
using Handwritten.Model;

namespace Handwritten.Server.Models;

/// <summary>
/// A model that is there when it is needed: loaded by the first request, however many come at once; given back when it has
/// been idle, or when its device has failed, so that the next request begins with a fresh one. A device has room for one: what
/// was given back leaves before the next is loaded.
/// </summary>
internal sealed partial class ModelHost(ModelSource source, TimeProvider time, ILogger<ModelHost> logger) : IAsyncDisposable
{
    private static readonly TimeSpan MostPatience = TimeSpan.FromSeconds(10);

    private readonly Lock _lock = new();
    private Occupancy? _current;
    private Task _departures = Task.CompletedTask;
    private int _keepers;

    /// <summary>What can be loaded.</summary>
    public ModelSource Source => source;

    /// <summary>When its folder was made, as the server found it; the folder may go while the model is served.</summary>
    public DateTimeOffset Created { get; } = new(Directory.GetCreationTimeUtc(source.Folder));

    /// <summary>The model if it is in memory.</summary>
    public LoadedModel? Loaded
    {
        get
        {
            lock (_lock)
            {
                return _current?.Loading is { IsCompletedSuccessfully: true } loading ? loading.Result : null;
            }
        }
    }

    /// <summary>Why it could not be loaded the last time; null if it could, or nobody has tried.</summary>
    public Exception? LastFailure { get; private set; }

    /// <summary>Takes hold of the model, and loads it if it is not there.</summary>
    /// <param name="cancellation">Ends the waiting, not the loading.</param>
    /// <exception cref="Model.ModelException">It cannot be loaded.</exception>
    /// <exception cref="Kernels.Gpu.GpuException">Its device cannot be used.</exception>
    public async Task<ModelLease> AcquireAsync(CancellationToken cancellation)
    {
        Occupancy occupancy;
        lock (_lock)
        {
            if (_current is null or { Loading.IsFaulted: true })
            {
                _current = new Occupancy(LoadAsync(_departures));
            }

            occupancy = _current;
            occupancy.Leases++;
        }

        try
        {
            return new ModelLease(await occupancy.Loading.WaitAsync(cancellation), () => Release(occupancy), () => Retire(occupancy));
        }
        catch
        {
            Release(occupancy);
            throw;
        }
    }

    /// <summary>
    /// Lets the model stay in memory though nobody uses it for a while, as in the silence of a stream. A lease would do so as well, but would
    /// hold one whose device has failed, too.
    /// </summary>
    /// <returns>Ends that.</returns>
    public IDisposable KeepLoaded()
    {
        Interlocked.Increment(ref _keepers);
        return new Keeper(this);
    }

    /// <summary>Gives the model's memory back if nobody has used it for so long.</summary>
    public void UnloadIfIdle(TimeSpan idle)
    {
        lock (_lock)
        {
            if (_keepers > 0 || _current is not { Leases: 0, Loading.IsCompletedSuccessfully: true } occupancy || time.GetElapsedTime(occupancy.IdleSince) < idle)
            {
                return;
            }

            LogUnloading(source.Name);
            Retire(occupancy);
        }
    }

    public async ValueTask DisposeAsync()
    {
        Occupancy? occupancy;
        lock (_lock)
        {
            (occupancy, _current) = (_current, null);
        }

        if (occupancy is not null)
        {
            await occupancy.DisposeOnceAsync();
        }
    }

    /// <param name="departures">What has to leave before; not for ever, since somebody may hold on to it.</param>
    private async Task<LoadedModel> LoadAsync(Task departures)
    {
        await departures.WaitAsync(MostPatience, time).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        return await Task.Run(Load).ConfigureAwait(false);
    }

    private LoadedModel Load()
    {
        long begun = time.GetTimestamp();
        try
        {
            LoadedModel loaded = source.Load();
            LastFailure = null;
            LogLoaded(source.Name, loaded.Kernels.DeviceDescription, time.GetElapsedTime(begun).TotalSeconds);
            return loaded;
        }
        catch (Exception failure)
        {
            if (LastFailure?.Message != failure.Message) // it may be tried for days
            {
                LogFailed(source.Name, failure.Message, failure is ModelException or GpuException ? null : failure);
            }

            LastFailure = failure;
            throw;
        }
    }

    private void Release(Occupancy occupancy)
    {
        lock (_lock)
        {
            occupancy.Leases--;
            occupancy.IdleSince = time.GetTimestamp();
            DisposeIfDone(occupancy);
        }
    }

    private void Retire(Occupancy occupancy)
    {
        lock (_lock)
        {
            if (_current == occupancy)
            {
                _current = null;
                _departures = _departures.IsCompleted ? occupancy.Gone : Task.WhenAll(_departures, occupancy.Gone);
            }

            occupancy.IsRetired = true;
            DisposeIfDone(occupancy);
        }
    }

    private static void DisposeIfDone(Occupancy occupancy)
    {
        if (occupancy is { IsRetired: true, Leases: 0 })
        {
            _ = Task.Run(occupancy.DisposeOnceAsync);
        }
    }

    [LoggerMessage(LogLevel.Information, "{Model} is loaded on {Device} after {Seconds:F1} s.")]
    private partial void LogLoaded(string model, string device, double seconds);

    [LoggerMessage(LogLevel.Error, "{Model} cannot be loaded, and is tried again until it can: {Reason}")]
    private partial void LogFailed(string model, string reason, Exception? unexpected);

    [LoggerMessage(LogLevel.Information, "{Model} has been idle and is unloaded.")]
    private partial void LogUnloading(string model);

    /// <summary>One stay of the model in memory.</summary>
    private sealed class Occupancy(Task<LoadedModel> loading)
    {
        private readonly TaskCompletionSource _gone = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private int _isDisposed;

        /// <summary>Its memory has been given back.</summary>
        public Task Gone => _gone.Task;

        public Task<LoadedModel> Loading => loading;

        public int Leases { get; set; }

        public long IdleSince { get; set; }

        public bool IsRetired { get; set; }

        public async Task DisposeOnceAsync()
        {
            if (Interlocked.Exchange(ref _isDisposed, 1) == 0)
            {
                try
                {
                    await ((Task)loading).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
                    if (loading.IsCompletedSuccessfully)
                    {
                        await loading.Result.DisposeAsync();
                    }
                }
                finally
                {
                    _gone.SetResult();
                }
            }
        }
    }

    private sealed class Keeper(ModelHost host) : IDisposable
    {
        private int _isDisposed;

        public void Dispose()
        {
            if (Interlocked.Exchange(ref _isDisposed, 1) == 0)
            {
                Interlocked.Decrement(ref host._keepers);
            }
        }
    }
}

/// <summary>A hold on a model: it stays in memory until this is disposed.</summary>
internal sealed class ModelLease(LoadedModel model, Action release, Action retire) : IDisposable
{
    private int _isReleased;

    public LoadedModel Model => model;

    /// <summary>Lets the next request begin with a fresh model, since this one's device has failed.</summary>
    public void Retire() => retire();

    public void Dispose()
    {
        if (Interlocked.Exchange(ref _isReleased, 1) == 0)
        {
            release();
        }
    }
}
