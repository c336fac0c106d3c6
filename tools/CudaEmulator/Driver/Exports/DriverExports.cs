using System.Runtime.InteropServices;
using Handwritten.CudaEmulator.Device;
using static Handwritten.CudaEmulator.Driver.Exports.Shell;

namespace Handwritten.CudaEmulator.Driver.Exports;

/// <summary>Initialisation, errors, and functions found by name.</summary>
internal static unsafe partial class DriverExports
{
    [UnmanagedCallersOnly(EntryPoint = nameof(cuInit))]
    private static CudaResult cuInit(uint flags) => CallBeforeInit(() =>
    {
        CudaException.Require(flags == 0, CudaResult.InvalidValue, $"cuInit takes no flags, but was given {flags}.");
        Start();
    });

    [UnmanagedCallersOnly(EntryPoint = nameof(cuDriverGetVersion))]
    private static CudaResult cuDriverGetVersion(int* version) => CallBeforeInit(() => Out(version) = EmulatedDriver.Version);

    [UnmanagedCallersOnly(EntryPoint = nameof(cuGetErrorName))]
    private static CudaResult cuGetErrorName(CudaResult error, byte** text) => GetText(text, ResultText.Name(error));

    /// <summary>CUDA's text; and, if the calling thread's latest failure was this one, what exactly was wrong.</summary>
    [UnmanagedCallersOnly(EntryPoint = nameof(cuGetErrorString))]
    private static CudaResult cuGetErrorString(CudaResult error, byte** text) => GetText(text,
        ResultText.Text(error) is { } known ? DetailOf(error) is { } detail ? $"{known}: {detail}" : known : null);

    // Not by way of Call: to ask about an error is not to make it the latest no more.
    private static CudaResult GetText(byte** text, string? value)
    {
        if (text == null)
            return CudaResult.InvalidValue;
        *text = value is null ? null : Native(value);
        return value is null ? CudaResult.InvalidValue : CudaResult.Success;
    }

    [UnmanagedCallersOnly(EntryPoint = nameof(cuProfilerStart))]
    private static CudaResult cuProfilerStart() => Call(driver => _ = driver.Current);

    [UnmanagedCallersOnly(EntryPoint = nameof(cuProfilerStop))]
    private static CudaResult cuProfilerStop() => Call(driver => _ = driver.Current);

    [UnmanagedCallersOnly(EntryPoint = nameof(cuGetProcAddress))]
    private static CudaResult cuGetProcAddress(byte* symbol, nint* function, int cudaVersion, ulong flags) => CallBeforeInit(() =>
    {
        string name = Text(symbol);
        Out(function) = Find(name, cudaVersion);
        CudaException.Require(*function != 0, CudaResult.NotFound, $"The emulator has no function {name}.");
    });

    [UnmanagedCallersOnly(EntryPoint = nameof(cuGetProcAddress_v2))]
    private static CudaResult cuGetProcAddress_v2(byte* symbol, nint* function, int cudaVersion, ulong flags, int* status) => CallBeforeInit(() =>
    {
        Out(function) = Find(Text(symbol), cudaVersion);
        if (status != null)
            *status = *function != 0 ? 0 : 1; // success, or: no such symbol
    });

    /// <summary>
    /// A function by its name in the manual, which is the name of its first version. Of those with several the library exports
    /// the last that programs use (cuMemAlloc_v2); where two take different parameters and are both in use, the CUDA version
    /// that the program was made for decides.
    /// </summary>
    private static nint Find(string name, int cudaVersion)
    {
        CudaException.Require(cudaVersion <= EmulatedDriver.Version, CudaResult.InvalidValue,
            $"CUDA {cudaVersion} is newer than this driver, {EmulatedDriver.Version}.");
        string[] candidates = (name, cudaVersion) switch
        {
            ("cuGraphInstantiate", >= 12000) => ["cuGraphInstantiateWithFlags"],
            ("cuGraphExecUpdate" or "cuGetProcAddress", < 12000) => [name],
            _ => [name + "_v2", name],
        };
        nint library = OwnLibrary();
        foreach (string candidate in candidates)
        {
            if (library != 0 && NativeLibrary.TryGetExport(library, candidate, out nint function))
                return function;
        }
        return 0;
    }

    // This library under its own file name, or 0 where the code does not run as a library of its own.
    private static nint OwnLibrary()
    {
        delegate* unmanaged<uint, CudaResult> self = &cuInit;
        return FindLibrary((nint)self, out LibraryInfo info) != 0
            && NativeLibrary.TryLoad(Marshal.PtrToStringUTF8((nint)info.FileName)!, out nint library) ? library : 0;
    }

    [StructLayout(LayoutKind.Sequential)]
    private struct LibraryInfo
    {
        public byte* FileName;
        public nint Base;
        public byte* SymbolName;
        public nint SymbolAddress;
    }

    [LibraryImport("libc", EntryPoint = "dladdr")]
    private static partial int FindLibrary(nint address, out LibraryInfo info);
}
