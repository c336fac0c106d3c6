using Handwritten.CudaEmulator.Device;
using Xunit;

namespace Handwritten.CudaEmulator.Tests.Native;

public sealed unsafe class InitTests
{
    [Fact]
    public void Before_cuInit_there_is_a_version_and_no_more()
    {
        var cuda = new CudaApi(EmulatedLibrary.LoadFresh());
        int number;
        nint context;
        Assert.Equal(CudaResult.Success, cuda.DriverGetVersion(&number));
        Assert.InRange(number, 12080, 13999); // ILGPU 1.5.3 writes its newest PTX from 12.8 on
        Assert.Equal(CudaResult.NotInitialized, cuda.DeviceGetCount(&number));
        Assert.Equal(CudaResult.NotInitialized, cuda.CtxCreate(&context, 0, 0));
        Assert.Equal(CudaResult.InvalidValue, cuda.Init(flags: 1));
        Assert.Equal(CudaResult.NotInitialized, cuda.DeviceGetCount(&number));
    }

    [Theory]
    [InlineData(null, "Emulated NVIDIA H200", 9, 0)]
    [InlineData("t4", "Emulated NVIDIA T4", 7, 5)]
    [InlineData("rtx4090", "Emulated NVIDIA GeForce RTX 4090", 8, 9)]
    public void The_environment_chooses_the_device(string? devices, string name, int major, int minor)
    {
        nint library = EmulatedLibrary.LoadFresh();
        var cuda = new CudaApi(library);
        Assert.Equal(CudaResult.Success, EmulatedLibrary.Initialize(library, devices));
        int value;
        Assert.Equal(CudaResult.Success, cuda.DeviceGetCount(&value));
        Assert.Equal(1, value);
        byte* text = stackalloc byte[256];
        Assert.Equal(CudaResult.Success, cuda.DeviceGetName(text, 256, 0));
        Assert.Equal(name, System.Runtime.InteropServices.Marshal.PtrToStringUTF8((nint)text));
        Assert.Equal(CudaResult.Success, cuda.DeviceGetAttribute(&value, 75, 0));
        Assert.Equal(major, value);
        Assert.Equal(CudaResult.Success, cuda.DeviceGetAttribute(&value, 76, 0));
        Assert.Equal(minor, value);
    }

    [Fact]
    public void An_unknown_device_in_the_environment_is_no_device()
    {
        nint library = EmulatedLibrary.LoadFresh();
        Assert.Equal(CudaResult.NoDevice, EmulatedLibrary.Initialize(library, "voodoo"));
        Assert.Contains("voodoo", new CudaApi(library).ErrorString(CudaResult.NoDevice), StringComparison.Ordinal);
    }

    [Fact]
    public void Every_result_has_a_name_and_a_text()
    {
        var cuda = new CudaApi(EmulatedLibrary.Handle);
        Assert.Equal("CUDA_SUCCESS", cuda.ErrorName(CudaResult.Success));
        Assert.Equal("CUDA_ERROR_INVALID_VALUE", cuda.ErrorName(CudaResult.InvalidValue));
        Assert.Equal("CUDA_ERROR_STREAM_CAPTURE_WRONG_THREAD", cuda.ErrorName(CudaResult.StreamCaptureWrongThread));
        Assert.Equal("CUDA_ERROR_NO_BINARY_FOR_GPU", cuda.ErrorName(CudaResult.NoBinaryForGpu));
        Assert.All(Enum.GetValues<CudaResult>(), result =>
        {
            Assert.StartsWith("CUDA_", cuda.ErrorName(result), StringComparison.Ordinal);
            Assert.False(string.IsNullOrEmpty(cuda.ErrorString(result)));
        });
        Assert.Null(cuda.ErrorName((CudaResult)12345));
        Assert.Null(cuda.ErrorString((CudaResult)12345));
    }

    [Fact]
    public void A_text_tells_what_was_wrong_with_the_latest_call()
    {
        var cuda = new CudaApi(EmulatedLibrary.Handle);
        byte* uuid = stackalloc byte[16];
        Assert.Equal(CudaResult.InvalidDevice, cuda.DeviceGetUuid(uuid, 7));
        Assert.StartsWith("invalid device ordinal: There is no device 7", cuda.ErrorString(CudaResult.InvalidDevice), StringComparison.Ordinal);
        Assert.Equal("out of memory", cuda.ErrorString(CudaResult.OutOfMemory));
    }

    [Theory]
    [InlineData("cuInit", "cuInit")]
    [InlineData("cuMemAlloc", "cuMemAlloc_v2")]
    [InlineData("cuStreamBeginCapture", "cuStreamBeginCapture_v2")]
    [InlineData("cuGraphInstantiate", "cuGraphInstantiateWithFlags")]
    [InlineData("cuGraphExecUpdate", "cuGraphExecUpdate_v2")]
    public void Functions_are_found_by_the_names_of_the_manual(string name, string export)
    {
        var cuda = new CudaApi(EmulatedLibrary.Handle);
        nint function;
        int status;
        Assert.Equal(CudaResult.Success, cuda.GetProcAddress(name, &function, 12000, &status));
        Assert.Equal((cuda.Find(export), 0), (function, status));
    }

    [Fact]
    public void A_function_that_is_not_there_is_not_found()
    {
        var cuda = new CudaApi(EmulatedLibrary.Handle);
        nint function;
        int status;
        Assert.Equal(CudaResult.Success, cuda.GetProcAddress("cuMakeCoffee", &function, 12000, &status));
        Assert.Equal((0, 1), (function, status));
        Assert.Equal(CudaResult.InvalidValue, cuda.GetProcAddress("cuInit", &function, 99000, &status));
        Assert.Equal(CudaResult.InvalidValue, cuda.GetProcAddress("cuInit", null, 12000, &status));
    }

    [Fact]
    public void Everything_that_ilgpu_imports_is_exported()
    {
        // ILGPU declares its imports in an internal class, one method an import.
        string[] imports = [.. typeof(ILGPU.Runtime.Cuda.CudaDevice).Assembly.GetTypes()
            .SelectMany(type => type.GetMethods(System.Reflection.BindingFlags.Static | System.Reflection.BindingFlags.NonPublic | System.Reflection.BindingFlags.Public))
            .Select(method => method.GetCustomAttributes(typeof(System.Runtime.InteropServices.DllImportAttribute), false).FirstOrDefault())
            .OfType<System.Runtime.InteropServices.DllImportAttribute>()
            .Where(import => import.Value == "cuda")
            .Select(import => import.EntryPoint!)];
        Assert.InRange(imports.Length, 40, 200);
        var cuda = new CudaApi(EmulatedLibrary.Handle);
        Assert.All(imports, import => Assert.NotEqual(0, cuda.Find(import)));
    }
}
