using System.Collections.Concurrent;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Handwritten.CudaEmulator.Checks;
using Handwritten.CudaEmulator.Counters;
using Handwritten.CudaEmulator.Device;
using Handwritten.CudaEmulator.Execution;

namespace Handwritten.CudaEmulator.Driver.Exports;

// The functions of libcuda.so. Each is a line or two: look handles up, check pointers, call what does the work. Their names
// and parameters are those of cuda.h, and so their documentation is CUDA's manual. An exception must not leave the library,
// so each runs within Call, which makes it the number that the caller gets.

/// <summary>What all exported functions stand on.</summary>
internal static unsafe partial class Shell
{
    private static readonly Lock Starting = new();
    private static readonly ConcurrentDictionary<string, nint> Strings = new();
    private static volatile EmulatedDriver? _driver;

    [ThreadStatic]
    private static CudaException? _latest;

    /// <summary>Sets the driver up, once in a process, as the environment says.</summary>
    public static void Start()
    {
        lock (Starting)
        {
            if (_driver is not null)
                return;
            _driver = new EmulatedDriver(Setting(CheckNames.Variable, CheckNames.Parse), Setting("HANDWRITTEN_EMULATOR_DEVICE", DeviceProfile.Choose))
            {
                LaunchLimit = Setting(LaunchBudget.Variable, LaunchBudget.Parse),
                LaunchProfile = LaunchProfile.FromEnvironment(),
                Findings = Findings.FromEnvironment(),
            };
            if (_driver.LaunchProfile is not null)
                SaveAtExit();
        }
    }

    // What ran, but nobody waited for, shall be in the file too. The runtime of a native library hears of no process's end by
    // itself.
    private static void SaveAtExit() => _ = AtExit(&SaveProfile, 0, 0);

    [UnmanagedCallersOnly]
    private static void SaveProfile(nint argument) => _driver?.LaunchProfile?.Save();

    [LibraryImport("libc", EntryPoint = "__cxa_atexit")]
    private static partial int AtExit(delegate* unmanaged<nint, void> function, nint argument, nint library);

    private static T Setting<T>(string variable, Func<string?, T> read)
    {
        try
        {
            return read(Environment.GetEnvironmentVariable(variable));
        }
        catch (ArgumentException e)
        {
            // Programs take a failing cuInit for a machine without a GPU and say nothing.
            Console.Error.WriteLine($"CUDA emulator: {variable}: {e.Message}");
            throw new CudaException(CudaResult.NoDevice, e.Message);
        }
    }

    /// <summary>What has been found wrong so far; 0 before cuInit.</summary>
    public static int FindingCount => _driver?.Findings.Count ?? 0;

    /// <summary>Runs what needs the driver.</summary>
    public static CudaResult Call(Action<EmulatedDriver> body) => CallBeforeInit(() => body(
        _driver ?? throw new CudaException(CudaResult.NotInitialized, "cuInit has not been called.")));

    /// <summary>Runs what can come before cuInit.</summary>
    public static CudaResult CallBeforeInit(Action body)
    {
        try
        {
            body();
            return CudaResult.Success;
        }
        catch (CudaException e)
        {
            _latest = e;
        }
        catch (OutOfMemoryException)
        {
            _latest = new CudaException(CudaResult.OutOfMemory, "The machine that emulates the device has no memory left.");
        }
        catch (Exception e)
        {
            _latest = new CudaException(CudaResult.Unknown, $"The emulator failed: {e}");
        }
        return _latest.Result;
    }

    /// <summary>A call's result where that is no failure: an answer in itself, such as NotReady.</summary>
    public static CudaResult Answer(Func<EmulatedDriver, CudaResult> body)
    {
        CudaResult answer = CudaResult.Success;
        CudaResult result = Call(driver => answer = body(driver));
        return result == CudaResult.Success ? answer : result;
    }

    /// <summary>The latest failure on the calling thread, if it was this.</summary>
    public static string? DetailOf(CudaResult result) => _latest is { } latest && latest.Result == result ? latest.Message : null;

    /// <summary>Where a call writes an answer to.</summary>
    /// <exception cref="CudaException">InvalidValue: nowhere.</exception>
    public static ref T Out<T>(T* pointer, [CallerArgumentExpression(nameof(pointer))] string name = "") where T : unmanaged
    {
        CudaException.Require(pointer != null, CudaResult.InvalidValue, $"The argument {name} is null.");
        return ref *pointer;
    }

    /// <summary>A string that a call was given.</summary>
    /// <exception cref="CudaException">InvalidValue: none.</exception>
    public static string Text(byte* pointer, [CallerArgumentExpression(nameof(pointer))] string name = "")
    {
        CudaException.Require(pointer != null, CudaResult.InvalidValue, $"The argument {name} is null.");
        return Marshal.PtrToStringUTF8((nint)pointer)!;
    }

    /// <summary>A string for a C program to keep.</summary>
    public static byte* Native(string text) => (byte*)Strings.GetOrAdd(text, Marshal.StringToCoTaskMemUTF8);

    /// <summary>The stream of a handle; of 0 and 1 the legacy default stream, of 2 the thread's own.</summary>
    /// <exception cref="CudaException">InvalidHandle, or whatever is wrong with the context.</exception>
    public static CudaStream Stream(this EmulatedDriver driver, nint handle)
    {
        CudaContext current = driver.Current;
        CudaStream stream = handle switch
        {
            0 or 1 => current.LegacyStream,
            2 => current.PerThreadStream,
            _ => driver.Handles.Get<CudaStream>(handle),
        };
        stream.Context.ThrowIfFailed();
        return stream;
    }

    /// <summary>The object of a handle, for use in the current context.</summary>
    /// <exception cref="CudaException">InvalidHandle, or whatever is wrong with the context.</exception>
    public static T Object<T>(this EmulatedDriver driver, nint handle) where T : class
    {
        _ = driver.Current;
        return driver.Handles.Get<T>(handle);
    }
}
