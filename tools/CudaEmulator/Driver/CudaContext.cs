using System.Collections.Concurrent;
using Handwritten.CudaEmulator.Checks;
using Handwritten.CudaEmulator.Device;

namespace Handwritten.CudaEmulator.Driver;

/// <summary>A context: what a program has on a device. All of it goes when the context is destroyed.</summary>
internal sealed class CudaContext
{
    private readonly Lock _guard = new();
    private readonly HashSet<nint> _handles = [];
    private readonly HashSet<ulong> _allocations = [];
    private readonly List<CudaStream> _streams = [];
    private readonly Dictionary<int, ulong> _limits = [];
    private readonly ConcurrentDictionary<int, CudaStream> _perThread = new();
    private bool _isDestroyed;

    private CudaContext(EmulatedDriver driver, EmulatedDevice device, uint flags)
    {
        (Driver, Device, Flags) = (driver, device, flags);
        LegacyStream = CreateStream(isBlocking: true, 0);
        Handle = driver.Handles.Add(this);
    }

    /// <summary>The driver it belongs to.</summary>
    public EmulatedDriver Driver { get; }

    /// <summary>The device it is on.</summary>
    public EmulatedDevice Device { get; }

    /// <summary>The handle it is known by.</summary>
    public nint Handle { get; }

    /// <summary>What it was created with.</summary>
    public uint Flags { get; }

    /// <summary>cuCtxSetCacheConfig: kept, and of no effect.</summary>
    public int CacheConfig { get; set; }

    /// <summary>cuCtxSetSharedMemConfig: kept, and of no effect.</summary>
    public int SharedMemoryConfig { get; set; }

    /// <summary>The stream behind handle 0.</summary>
    public CudaStream LegacyStream { get; }

    /// <summary>The calling thread's own default stream.</summary>
    public CudaStream PerThreadStream =>
        _perThread.GetOrAdd(Environment.CurrentManagedThreadId, _ => CreateStream(isBlocking: true, 0));

    /// <summary>The error that work ended in; every later call reports it too.</summary>
    public CudaException? Failure { get; private set; }

    /// <summary>Makes a context.</summary>
    public static CudaContext Create(EmulatedDriver driver, EmulatedDevice device, uint flags) => new(driver, device, flags);

    /// <summary>Ends all use of the context with an error: what comes later reports it too.</summary>
    /// <param name="result">The error.</param>
    /// <param name="report">What happened.</param>
    public void Fail(CudaResult result, string report)
    {
        if (Failure is not null)
            return;
        Failure = new CudaException(result, report);
        Driver.Findings.Add(result, report);
    }

    /// <summary>Refuses the use of a context that is destroyed or has failed.</summary>
    /// <exception cref="CudaException">It has.</exception>
    public void ThrowIfFailed()
    {
        CudaException.Require(!_isDestroyed, CudaResult.ContextIsDestroyed, "The current context has been destroyed.");
        if (Failure is { } failure)
            throw new CudaException(failure.Result, failure.Message);
    }

    /// <summary>A handle for something that goes with the context.</summary>
    public nint Own(object value)
    {
        lock (_guard)
        {
            nint handle = Driver.Handles.Add(value);
            _handles.Add(handle);
            return handle;
        }
    }

    /// <summary>Allocates device memory.</summary>
    /// <exception cref="CudaException">InvalidValue: no bytes. OutOfMemory.</exception>
    public ulong Allocate(ulong bytes)
    {
        CudaException.Require(bytes is > 0, CudaResult.InvalidValue, "An allocation of 0 bytes was asked for.");
        Allocation? allocation = bytes <= long.MaxValue ? Device.Memory.TryAllocate((long)bytes) : null;
        CudaException.Require(allocation is not null, CudaResult.OutOfMemory,
            $"{bytes} bytes of device memory were asked for; {Device.Memory.FreeBytes} of {Device.Memory.TotalBytes} are free.");
        lock (_guard)
            _allocations.Add(allocation!.Address);
        return allocation.Address;
    }

    /// <summary>Frees device memory once all work is done that might use it.</summary>
    /// <exception cref="CudaException">InvalidValue: no allocation begins there.</exception>
    public void Free(ulong address)
    {
        RequireOwned(address);
        WaitForAllWork();
        Release(address);
    }

    /// <summary>Frees device memory in a stream's order.</summary>
    /// <exception cref="CudaException">InvalidValue: no allocation begins there.</exception>
    public void FreeAsync(ulong address, CudaStream stream)
    {
        RequireOwned(address);
        stream.Add(new FreeWork(this, address));
    }

    /// <summary>Frees device memory at once.</summary>
    internal void Release(ulong address)
    {
        lock (_guard)
        {
            if (_allocations.Remove(address))
                Device.Memory.Free(address);
        }
    }

    private void RequireOwned(ulong address)
    {
        lock (_guard)
        {
            CudaException.Require(_allocations.Contains(address), CudaResult.InvalidValue,
                $"The bytes at 0x{address:x} cannot be freed, for no allocation of this context begins there: {Reason(address)}.");
        }
    }

    private string Reason(ulong address) => Device.Memory.Find(address) is { } allocation
        ? $"they lie in {allocation}"
        : Driver.Memory.Describe(address);

    /// <summary>A new stream.</summary>
    public CudaStream CreateStream(bool isBlocking, int priority)
    {
        CudaStream stream = new(this, isBlocking, priority);
        lock (Driver.Queue.Gate)
            _streams.Add(stream);
        return stream;
    }

    /// <summary>Forgets a stream; what it was asked for is still done, but a capture ends without a graph.</summary>
    public void DestroyStream(CudaStream stream)
    {
        lock (Driver.Queue.Gate)
        {
            stream.Capture?.Dissolve();
            stream.IsDestroyed = true;
            ForgetIdleStreams();
        }
    }

    private void ForgetIdleStreams() => _streams.RemoveAll(stream => stream.IsDestroyed && stream.Pending.Count == 0);

    /// <summary>What a stream's next work waits for by the rule of the default stream. Called under the queue's gate.</summary>
    internal IEnumerable<Submission?> OrderedBefore(CudaStream stream) =>
        stream == LegacyStream ? _streams.Where(other => other.IsBlocking).Select(other => other.Last)
        : stream.IsBlocking ? [LegacyStream.Last]
        : [];

    /// <summary>Refuses work in the legacy stream while a stream captures that it would have to wait for.</summary>
    /// <exception cref="CudaException">StreamCaptureImplicit; the capture is invalidated.</exception>
    internal void RefuseImplicitCapture()
    {
        if (_streams.Find(stream => stream.IsBlocking && stream.Capture is not null) is { } capturing)
        {
            throw capturing.Capture!.Invalidate(CudaResult.StreamCaptureImplicit,
                "Work in the default stream waits for all blocking streams, and one of them is capturing: create streams as non-blocking, and use no default stream.");
        }
    }

    /// <summary>Waits until all work is done.</summary>
    /// <exception cref="CudaException">Some of it failed, or a stream is capturing.</exception>
    public void Synchronize()
    {
        WaitForAllWork();
        ThrowIfFailed();
    }

    /// <summary>Sets a limit (CUlimit).</summary>
    public void SetLimit(int limit, ulong value)
    {
        GetLimit(limit);
        _limits[limit] = value;
    }

    /// <summary>A limit (CUlimit): kept, and of no effect.</summary>
    /// <exception cref="CudaException">UnsupportedLimit.</exception>
    public ulong GetLimit(int limit) => _limits.TryGetValue(limit, out ulong value) ? value : limit switch
    {
        0 => 1024, // a thread's stack
        1 => 1 << 20, // printf's buffer
        2 => 8 << 20, // the heap of device-side malloc
        _ => throw new CudaException(CudaResult.UnsupportedLimit, $"The emulator has no limit number {limit}."),
    };

    /// <summary>Waits for all work and lets go of everything.</summary>
    public void Destroy()
    {
        lock (Driver.Queue.Gate)
        {
            foreach (CudaStream stream in _streams)
                stream.Capture?.Dissolve();
        }
        WaitForAllWork();
        lock (_guard)
        {
            _isDestroyed = true;
            Driver.Handles.Remove([.. _handles, Handle]);
            ReportLeaks();
            foreach (ulong address in _allocations)
                Device.Memory.Free(address);
            _allocations.Clear();
        }
    }

    private void ReportLeaks()
    {
        if (_allocations.Count == 0 || !Driver.Checks.HasFlag(CheckSet.Leaks))
            return;
        Allocation[] leaks = [.. _allocations.Select(address => Device.Memory.Find(address)!).OrderBy(allocation => allocation.Number)];
        const int Most = 20;
        IEnumerable<string> lines = leaks.Take(Most).Select(allocation => allocation.ToString());
        Driver.Findings.Add(CudaResult.Success,
            $"a context was destroyed with {leaks.Length} allocations ({leaks.Sum(allocation => allocation.Bytes)} bytes) that nobody had freed:\n"
            + string.Join('\n', leaks.Length > Most ? lines.Append($"and {leaks.Length - Most} more") : lines));
    }

    /// <summary>Waits until all work is done, well or badly.</summary>
    internal void WaitForAllWork()
    {
        Submission?[] all;
        lock (Driver.Queue.Gate)
        {
            ForgetIdleStreams();
            all = [.. _streams.Select(stream => stream.Last)];
        }
        Driver.Queue.Wait(all);
    }
}
