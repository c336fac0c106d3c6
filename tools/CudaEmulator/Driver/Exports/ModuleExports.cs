using System.Diagnostics;
using System.Runtime.InteropServices;
using System.Text;
using Handwritten.CudaEmulator.Device;
using Handwritten.CudaEmulator.Execution;
using static Handwritten.CudaEmulator.Driver.Exports.Shell;

namespace Handwritten.CudaEmulator.Driver.Exports;

/// <summary>Modules, and what is in them.</summary>
internal static unsafe class ModuleExports
{
    [UnmanagedCallersOnly(EntryPoint = nameof(cuModuleLoad))]
    private static CudaResult cuModuleLoad(nint* module, byte* fileName) => Call(driver =>
    {
        string path = Text(fileName);
        CudaException.Require(File.Exists(path), CudaResult.FileNotFound, $"There is no file {path}.");
        fixed (byte* image = Encoding.UTF8.GetBytes(File.ReadAllText(path) + '\0'))
            Load(driver, module, image, new JitLog(0, null, null));
    });

    [UnmanagedCallersOnly(EntryPoint = nameof(cuModuleLoadData))]
    private static CudaResult cuModuleLoadData(nint* module, byte* image) =>
        Call(driver => Load(driver, module, image, new JitLog(0, null, null)));

    [UnmanagedCallersOnly(EntryPoint = nameof(cuModuleLoadDataEx))]
    private static CudaResult cuModuleLoadDataEx(nint* module, byte* image, uint optionCount, int* options, void** values) =>
        Call(driver => Load(driver, module, image, new JitLog(optionCount, options, values)));

    [UnmanagedCallersOnly(EntryPoint = nameof(cuModuleUnload))]
    private static CudaResult cuModuleUnload(nint module) => Call(driver =>
    {
        _ = driver.Current;
        driver.RefuseDuringCapture(nameof(cuModuleUnload));
        driver.Handles.Remove<CudaModule>(module).Unload();
    });

    [UnmanagedCallersOnly(EntryPoint = nameof(cuModuleGetFunction))]
    private static CudaResult cuModuleGetFunction(nint* function, nint module, byte* name) =>
        Call(driver => Out(function) = driver.Object<CudaModule>(module).Function(Text(name)));

    [UnmanagedCallersOnly(EntryPoint = nameof(cuModuleGetGlobal_v2))]
    private static CudaResult cuModuleGetGlobal_v2(ulong* address, nuint* bytes, nint module, byte* name) => Call(driver =>
    {
        ModuleVariable variable = driver.Object<CudaModule>(module).Variable(Text(name));
        if (address != null)
            *address = variable.Address;
        if (bytes != null)
            *bytes = (nuint)variable.Bytes;
    });

    private static void Load(EmulatedDriver driver, nint* module, byte* image, JitLog log)
    {
        _ = Out(module);
        CudaContext context = driver.Current;
        driver.RefuseDuringCapture(nameof(cuModuleLoadData));
        long start = Stopwatch.GetTimestamp();
        try
        {
            *module = CudaModule.Load(context, PtxText(image)).Handle;
            log.Write("", "", Stopwatch.GetElapsedTime(start));
        }
        catch (CudaException e)
        {
            log.Write("", e.Message, Stopwatch.GetElapsedTime(start));
            throw;
        }
    }

    private static string PtxText(byte* image)
    {
        CudaException.Require(image != null, CudaResult.InvalidValue, "There is no image to load.");
        // Machine code comes as an ELF file or in a "fat binary", which begin with these bytes. A text never does.
        bool isBinary = *image is 0x7f or 0x50 && image[1] is (byte)'E' or 0xed || *image == 0xb1;
        CudaException.Require(!isBinary, CudaResult.NoBinaryForGpu, "The image is machine code for a GPU; the emulator takes PTX.");
        return Text(image);
    }
}
