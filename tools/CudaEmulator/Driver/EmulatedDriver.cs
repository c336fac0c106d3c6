using Handwritten.CudaEmulator.Checks;
using Handwritten.CudaEmulator.Counters;
using Handwritten.CudaEmulator.Device;
using Handwritten.CudaEmulator.Execution;

namespace Handwritten.CudaEmulator.Driver;

/// <summary>A device.</summary>
/// <param name="Ordinal">Its place in the list of devices; also its CUdevice.</param>
/// <param name="Profile">What it is like.</param>
/// <param name="Memory">Its memory.</param>
internal sealed record EmulatedDevice(int Ordinal, DeviceProfile Profile, DeviceMemory Memory);

/// <summary>
/// The driver: what cuInit sets up, and everything there is to find from a handle or an address. One serves a process; a test
/// makes its own.
/// </summary>
internal sealed class EmulatedDriver : IDisposable
{
    /// <summary>The CUDA version that this driver is of: 13.0, for which ILGPU 1.5.3 writes its newest PTX.</summary>
    public const int Version = 13000;

    private readonly ThreadLocal<Stack<CudaContext>> _current = new(() => new());
    private readonly ThreadLocal<CaptureMode> _captureMode = new();

    /// <summary>Sets devices up.</summary>
    /// <param name="checks">What is checked.</param>
    /// <param name="profiles">What they are like; at least one.</param>
    public EmulatedDriver(CheckSet checks, params IReadOnlyList<DeviceProfile> profiles)
    {
        Checks = checks;
        LaunchOptions = new(Checks: checks);
        Devices = [.. profiles.Select((profile, i) => new EmulatedDevice(i, profile, new DeviceMemory(profile.MemoryBytes)
        {
            TracksWrites = checks.HasFlag(CheckSet.Initialisation),
        }))];
        DeviceMemory[] memories = [.. Devices.Select(device => device.Memory)];
        Memory = new UnifiedMemory(memories);
        PageLocked = new PageLockedMemory(memories);
        Primary = [.. Devices.Select(device => new PrimaryContext(this, device))];
        Queue = new WorkQueue(this);
    }

    /// <summary>The devices.</summary>
    public IReadOnlyList<EmulatedDevice> Devices { get; }

    /// <summary>Every device's primary context.</summary>
    public IReadOnlyList<PrimaryContext> Primary { get; }

    /// <summary>What is checked.</summary>
    public CheckSet Checks { get; }

    /// <summary>How launches are run.</summary>
    public LaunchOptions LaunchOptions { get; private init; }

    /// <summary>Warp-instructions that a launch may repeat in loops.</summary>
    public long LaunchLimit
    {
        init => LaunchOptions = LaunchOptions with { Limit = value };
    }

    /// <summary>What has been found wrong.</summary>
    public Findings Findings { get; init; } = new(null);

    /// <summary>Counts what launches do, and is written whenever somebody waits for them; null to count nothing.</summary>
    public LaunchProfile? LaunchProfile { get; set; }

    /// <summary>All memory.</summary>
    public UnifiedMemory Memory { get; }

    /// <summary>Host memory that the devices reach.</summary>
    public PageLockedMemory PageLocked { get; }

    /// <summary>All handles.</summary>
    public HandleTable Handles { get; } = new();

    /// <summary>The work of all streams.</summary>
    public WorkQueue Queue { get; }

    /// <summary>The captures in progress, under the queue's gate.</summary>
    internal List<Capture> Captures { get; } = [];

    /// <summary>The calling thread's stack of contexts; its top is the current one.</summary>
    public Stack<CudaContext> ContextStack => _current.Value!;

    /// <summary>The calling thread's own mind about captures: cuThreadExchangeStreamCaptureMode.</summary>
    public CaptureMode ThreadCaptureMode
    {
        get => _captureMode.Value;
        set => _captureMode.Value = value;
    }

    /// <summary>The calling thread's context, fit for use.</summary>
    /// <exception cref="CudaException">There is none, or it has been destroyed, or work in it has failed.</exception>
    public CudaContext Current
    {
        get
        {
            CudaException.Require(ContextStack.TryPeek(out CudaContext? context), CudaResult.InvalidContext,
                "The calling thread has no current context: create one, or make one current.");
            context!.ThrowIfFailed();
            return context;
        }
    }

    /// <summary>The device of a number.</summary>
    /// <exception cref="CudaException">InvalidDevice.</exception>
    public EmulatedDevice Device(int ordinal) => ordinal >= 0 && ordinal < Devices.Count
        ? Devices[ordinal]
        : throw new CudaException(CudaResult.InvalidDevice, $"There is no device {ordinal}: there are {Devices.Count}.");

    /// <summary>Refuses a call that might synchronise while it would disturb a capture; see <see cref="CaptureMode"/>.</summary>
    /// <exception cref="CudaException">StreamCaptureUnsupported; the captures in question are invalidated.</exception>
    internal void RefuseDuringCapture(string call)
    {
        lock (Queue.Gate)
        {
            CudaException? refusal = null;
            foreach (Capture capture in Captures)
            {
                bool isOwn = capture.Thread == Environment.CurrentManagedThreadId && capture.Mode != CaptureMode.Relaxed;
                bool isForbidden = ThreadCaptureMode switch
                {
                    CaptureMode.Global => isOwn || capture.Mode == CaptureMode.Global,
                    CaptureMode.ThreadLocal => isOwn,
                    _ => false,
                };
                if (isForbidden)
                    refusal = capture.Invalidate(CudaResult.StreamCaptureUnsupported, $"{call} is not possible during a {capture.Mode} capture.");
            }
            if (refusal is not null)
                throw refusal;
        }
    }

    /// <summary>Waits for what runs, and gives all memory back.</summary>
    public void Dispose()
    {
        Queue.WaitForAll();
        foreach (EmulatedDevice device in Devices)
            device.Memory.Dispose();
        _current.Dispose();
        _captureMode.Dispose();
    }
}

/// <summary>A device's primary context: made when first retained, destroyed when released as often.</summary>
internal sealed class PrimaryContext(EmulatedDriver driver, EmulatedDevice device)
{
    private readonly Lock _guard = new();
    private int _references;
    private CudaContext? _context;

    /// <summary>Creation flags, for the next time it is made.</summary>
    public uint Flags { get; private set; }

    /// <summary>Whether it exists.</summary>
    public bool IsActive => _context is not null;

    /// <summary>The context, made if need be.</summary>
    public CudaContext Retain()
    {
        lock (_guard)
        {
            _references++;
            return _context ??= CudaContext.Create(driver, device, Flags);
        }
    }

    /// <summary>Undoes a <see cref="Retain"/>.</summary>
    /// <exception cref="CudaException">InvalidContext: nobody has retained it.</exception>
    public void Release()
    {
        lock (_guard)
        {
            CudaException.Require(_references > 0, CudaResult.InvalidContext, "The primary context is released more often than it was retained.");
            if (--_references == 0)
                Reset();
        }
    }

    /// <summary>Destroys what is in it; retained or not, the next use makes a new one.</summary>
    public void Reset()
    {
        lock (_guard)
        {
            _context?.Destroy();
            _context = null;
        }
    }

    /// <summary>Sets the flags.</summary>
    public void SetFlags(uint flags) => Flags = flags;
}
