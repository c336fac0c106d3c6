using System.Text.Json;
using Handwritten.CudaEmulator.Device;
using Handwritten.CudaEmulator.Tests.Driver;
using Xunit;

namespace Handwritten.CudaEmulator.Tests.Native;

/// <summary>Counters of one operation: reset, run, write.</summary>
public sealed unsafe class ProfileApiTests
{
    [Fact]
    public void Counters_begin_at_zero_and_are_written_when_asked_for()
    {
        string path = Path.Combine(Path.GetTempPath(), $"profile-{Guid.NewGuid():N}.json");
        nint library = EmulatedLibrary.LoadFresh(); // to count slows all launches of a library down
        Assert.Equal(CudaResult.Success, EmulatedLibrary.Initialize(library, null));
        CudaApi cuda = new(library);
        nint context, module, addOne;
        ulong x;
        Assert.Equal(CudaResult.Success, cuda.CtxCreate(&context, 0, 0));
        cuda.ModuleLoadData(&module, SamplePtx.Text);
        cuda.ModuleGetFunction(&addOne, module, "add_one");
        cuda.MemAlloc(&x, 256);
        cuda.MemsetD32Async(x, 0, 64, 0);
        (nint kernel, ulong data) = (addOne, x);
        try
        {
            Assert.Equal(CudaResult.IllegalState, cuda.ProfileWrite(path));
            Launch(1);
            Assert.Equal(CudaResult.Success, cuda.ProfileReset());
            Launch(2);
            Assert.Equal(CudaResult.Success, cuda.ProfileWrite(path));
            AssertLaunches(2);
            Assert.Equal(CudaResult.Success, cuda.ProfileReset());
            Launch(3);
            Assert.Equal(CudaResult.Success, cuda.ProfileWrite(path));
            AssertLaunches(3);
            Assert.Equal(CudaResult.FileNotFound, cuda.ProfileWrite("/no/such/folder/profile.json"));
        }
        finally
        {
            File.Delete(path);
            cuda.CtxDestroy(context);
        }

        void Launch(int times)
        {
            uint n = 64;
            ulong argument = data;
            void** parameters = stackalloc void*[2];
            parameters[0] = &argument;
            parameters[1] = &n;
            for (int i = 0; i < times; i++)
                Assert.Equal(CudaResult.Success, cuda.LaunchKernel(kernel, (2, 1, 1), (32, 1, 1), 0, 0, parameters));
        }

        void AssertLaunches(int launches)
        {
            using JsonDocument json = JsonDocument.Parse(File.ReadAllText(path));
            JsonElement counts = Assert.Single(json.RootElement.GetProperty("kernels").EnumerateArray());
            Assert.Equal("add_one", counts.GetProperty("name").GetString());
            Assert.Equal(launches, counts.GetProperty("launches").GetInt64());
            Assert.Equal(launches * 256, counts.GetProperty("globalBytesRead").GetInt64());
            Assert.Equal("memory", counts.GetProperty("floors").GetProperty("h200").GetProperty("wall").GetString());
        }
    }
}
