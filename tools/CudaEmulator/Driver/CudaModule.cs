using Handwritten.CudaEmulator.Device;
using Handwritten.CudaEmulator.Execution;
using Handwritten.CudaEmulator.Ptx;

namespace Handwritten.CudaEmulator.Driver;

/// <summary>A module: a PTX text, loaded into a context.</summary>
internal sealed class CudaModule
{
    /// <summary>The newest PTX that a driver of <see cref="EmulatedDriver.Version"/> takes: 9.0.</summary>
    private const int NewestPtx = 90;

    private readonly LoadedModule _code;
    private readonly Dictionary<string, nint> _functions = [];

    private CudaModule(CudaContext context, LoadedModule code)
    {
        (Context, _code) = (context, code);
        Handle = context.Own(this);
    }

    /// <summary>Whose.</summary>
    public CudaContext Context { get; }

    /// <summary>The handle it is known by.</summary>
    public nint Handle { get; }

    /// <summary>Whether its variables are gone.</summary>
    public bool IsUnloaded { get; private set; }

    /// <summary>Loads a PTX text.</summary>
    /// <exception cref="CudaException">
    /// InvalidPtx: a mistake in it, or something that the emulator does not know. UnsupportedPtxVersion: its .version is too new.
    /// NoBinaryForGpu: its .target is beyond the device. The message is what goes into the JIT's error log.
    /// </exception>
    public static CudaModule Load(CudaContext context, string text)
    {
        EmulatedDevice device = context.Device;
        try
        {
            PtxModule ptx = PtxParser.Parse(text);
            CudaException.Require(ptx.Version <= NewestPtx, CudaResult.UnsupportedPtxVersion,
                $"ptx, line 1; error : .version {ptx.Version / 10}.{ptx.Version % 10} is too new: this driver takes PTX up to {NewestPtx / 10}.{NewestPtx % 10}.");
            CudaException.Require(ptx.Target <= device.Profile.ComputeCapability, CudaResult.NoBinaryForGpu,
                $"ptx, line 1; error : .target sm_{ptx.Target} is beyond the device, which is sm_{device.Profile.ComputeCapability}.");
            return new CudaModule(context, LoadedModule.Load(ptx, device.Profile, device.Memory));
        }
        catch (PtxException e)
        {
            throw new CudaException(CudaResult.InvalidPtx, e.Message);
        }
    }

    /// <summary>The handle of a kernel.</summary>
    /// <exception cref="CudaException">NotFound.</exception>
    public nint Function(string name)
    {
        lock (_functions)
        {
            if (!_functions.TryGetValue(name, out nint handle))
            {
                KernelCode code = _code.FindKernel(name) ?? throw new CudaException(CudaResult.NotFound,
                    $"The module has no kernel \"{name}\"; it has {string.Join(", ", _code.Kernels.Keys)}.");
                _functions[name] = handle = Context.Own(new CudaFunction(this, code));
            }
            return handle;
        }
    }

    /// <summary>A variable in device memory.</summary>
    /// <exception cref="CudaException">NotFound.</exception>
    public ModuleVariable Variable(string name) => _code.FindGlobal(name)
        ?? throw new CudaException(CudaResult.NotFound, $"The module has no .global or .const variable \"{name}\".");

    /// <summary>Frees its variables and takes its functions out of use, once all work is done that might use them.</summary>
    public void Unload()
    {
        Context.WaitForAllWork();
        lock (_functions)
        {
            IsUnloaded = true;
            Context.Driver.Handles.Remove(_functions.Values);
            _code.Dispose();
        }
    }
}

/// <summary>A kernel of a module.</summary>
internal sealed class CudaFunction(CudaModule module, KernelCode code)
{
    /// <summary>Where it is from.</summary>
    public CudaModule Module { get; } = module;

    /// <summary>What it does.</summary>
    public KernelCode Code { get; } = code;

    /// <summary>Dynamic shared memory that it may be given: what remains of the usual 48 KB, or what cuFuncSetAttribute set.</summary>
    public int MaxDynamicSharedBytes { get; private set; } = Math.Max(0, module.Context.Device.Profile.SharedPerBlock - code.StaticSharedBytes);

    /// <summary>The preferred share of shared memory in the L1 cache, in percent; -1 for none. Kept, and of no effect.</summary>
    public int PreferredCarveout { get; private set; } = -1;

    /// <summary>Threads of a block at most: by the kernel's own directives, and by its registers.</summary>
    public int MaxThreads => Math.Min(Code.MaxThreads ?? DeviceProfile.MaxThreadsPerBlock, Occupancy.MaxThreads(Code.RegisterCount));

    /// <summary>cuFuncGetAttribute.</summary>
    /// <param name="attribute">CUfunction_attribute.</param>
    /// <exception cref="CudaException">InvalidValue.</exception>
    public int GetAttribute(int attribute) => attribute switch
    {
        0 => MaxThreads,
        1 => Code.StaticSharedBytes,
        2 => Code.ConstBytes,
        3 => Code.LocalBytes,
        4 => Code.RegisterCount,
        5 => Code.PtxVersion,
        6 => Module.Context.Device.Profile.ComputeCapability,
        7 => 0, // cache mode
        8 => MaxDynamicSharedBytes,
        9 => PreferredCarveout,
        >= 10 and <= 15 => 0, // clusters
        _ => throw new CudaException(CudaResult.InvalidValue, $"{attribute} is no function attribute."),
    };

    /// <summary>cuFuncSetAttribute.</summary>
    /// <exception cref="CudaException">InvalidValue: the attribute cannot be set, or not to that.</exception>
    public void SetAttribute(int attribute, int value)
    {
        int most = Module.Context.Device.Profile.SharedPerBlockOptIn - Code.StaticSharedBytes;
        switch (attribute)
        {
            case 8:
                CudaException.Require(value >= 0 && value <= most, CudaResult.InvalidValue,
                    $"{Code.Name} cannot have {value} bytes of dynamic shared memory: the device has {most} beside the kernel's own {Code.StaticSharedBytes}.");
                MaxDynamicSharedBytes = value;
                break;
            case 9:
                CudaException.Require(value is >= -1 and <= 100, CudaResult.InvalidValue, $"{value} is no percentage, nor -1.");
                PreferredCarveout = value;
                break;
            default:
                throw new CudaException(CudaResult.InvalidValue, $"{attribute} is no function attribute that can be set.");
        }
    }

    /// <summary>Checks a launch against what the kernel and the device allow.</summary>
    /// <exception cref="CudaException">InvalidValue: the shape of the launch. LaunchOutOfResources: too many registers.</exception>
    public void CheckLaunch(Dim3 grid, Dim3 block, int dynamicSharedBytes)
    {
        Require(grid is { X: > 0, Y: > 0, Z: > 0 } && grid is { Y: <= DeviceProfile.MaxGridY, Z: <= DeviceProfile.MaxGridZ },
            $"a grid of {grid} blocks; from 1 to (2147483647,65535,65535) are possible");
        Require(block is { X: > 0, Y: > 0, Z: > 0 }
            && block is { X: <= DeviceProfile.MaxBlockX, Y: <= DeviceProfile.MaxBlockY, Z: <= DeviceProfile.MaxBlockZ }
            && block.Count <= DeviceProfile.MaxThreadsPerBlock,
            $"blocks of {block} threads; from 1 to (1024,1024,64), and {DeviceProfile.MaxThreadsPerBlock} in all, are possible");
        if (Code.MaxThreads is { } limit)
        {
            Require(Code.RequiresExactThreads ? block.Count == limit : block.Count <= limit,
                $"blocks of {block.Count} threads; the kernel says {(Code.RequiresExactThreads ? ".reqntid" : ".maxntid")} {limit}");
        }
        Require(dynamicSharedBytes >= 0 && dynamicSharedBytes <= MaxDynamicSharedBytes,
            $"{dynamicSharedBytes} bytes of dynamic shared memory; {MaxDynamicSharedBytes} are possible unless cuFuncSetAttribute allows more");
        CudaException.Require(block.Count <= Occupancy.MaxThreads(Code.RegisterCount), CudaResult.LaunchOutOfResources,
            $"{Code.Name} cannot be launched with {block.Count} threads of {Code.RegisterCount} registers: a block has {DeviceProfile.RegistersPerMultiprocessor}.");

        void Require(bool condition, string what) =>
            CudaException.Require(condition, CudaResult.InvalidValue, $"{Code.Name} cannot be launched with {what}.");
    }

    /// <summary>Runs a launch, on the worker thread.</summary>
    /// <exception cref="DeviceFaultException">It failed.</exception>
    internal void Run(LaunchRequest request)
    {
        if (Module.IsUnloaded)
            throw new DeviceFaultException(CudaResult.LaunchFailed, $"{Code.Name} was launched after its module was unloaded.");
        EmulatedDevice device = Module.Context.Device;
        EmulatedDriver driver = Module.Context.Driver;
        if (driver.LaunchProfile is { } counting)
            counting.Run(request, device.Memory, device.Profile, driver.LaunchOptions);
        else
            GridRunner.Run(request, device.Memory, device.Profile, driver.LaunchOptions);
    }
}
