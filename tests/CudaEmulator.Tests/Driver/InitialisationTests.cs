using System.Runtime.InteropServices;
using Handwritten.CudaEmulator.Checks;
using Handwritten.CudaEmulator.Device;
using Handwritten.CudaEmulator.Driver;
using Xunit;

namespace Handwritten.CudaEmulator.Tests.Driver;

/// <summary>Device memory that nothing has written, and memory that nobody frees. Each has the twin that is right.</summary>
public sealed unsafe class InitialisationTests : DriverFixture
{
    private const int Count = 100, Bytes = 4 * Count;
    private readonly int[] _host = GC.AllocateArray<int>(Count, pinned: true);

    private Place At(ulong address, ulong bytes = Bytes) => Cuda.Memory.Locate(address, bytes, "memory");

    private Place Host => At((ulong)Marshal.UnsafeAddrOfPinnedArrayElement(_host, 0));

    private void AddOne(ulong x, int n = Count)
    {
        var kernel = Cuda.Handles.Get<CudaFunction>(CudaModule.Load(Context, SamplePtx.Text).Function("add_one"));
        var parameters = new byte[12];
        MemoryMarshal.Write(parameters, x);
        MemoryMarshal.Write(parameters.AsSpan(8), n);
        Context.LegacyStream.Add(new KernelWork(kernel, new(1, 1, 1), new(128, 1, 1), 0, parameters));
    }

    private void Copy(Place to, Place from, ulong bytes = Bytes) => Transfer.Copy(Context.LegacyStream, to, from, bytes, isAsync: true);

    private void Finds(Action work, params string[] reports)
    {
        string message = Fails(CudaResult.LaunchFailed, () =>
        {
            work();
            Context.Synchronize();
        }).Message;
        Assert.All(reports, report => Assert.Contains(report, message, StringComparison.Ordinal));
        Assert.Equal(1, Cuda.Findings.Count);
    }

    private void FindsNothing()
    {
        Context.Synchronize();
        Assert.Equal(0, Cuda.Findings.Count);
    }

    [Fact]
    public void A_kernel_reads_what_the_host_has_copied()
    {
        ulong x = Context.Allocate(Bytes);
        Copy(At(x), Host);
        AddOne(x);
        Copy(Host, At(x));
        FindsNothing();
        Assert.All(_host, value => Assert.Equal(1, value));
    }

    [Fact]
    public void A_kernel_reads_what_nothing_has_written()
    {
        ulong x = Context.Allocate(Bytes);
        Copy(At(x, Bytes - 4), Host, Bytes - 4);
        Finds(() => AddOne(x), "kernel add_one", "(ld.global.u32)", "thread (99,0,0)", "396 bytes into allocation", $"({Bytes} bytes at 0x{x:x})", "nothing has written");
    }

    [Fact]
    public void What_a_kernel_or_a_memset_has_written_can_be_read()
    {
        ulong x = Context.Allocate(Bytes);
        Transfer.Fill(Context.LegacyStream, At(x), 0, 1, Bytes, isAsync: true);
        AddOne(x);
        AddOne(x);
        FindsNothing();
    }

    [Fact]
    public void The_host_reads_what_no_kernel_has_written()
    {
        ulong x = Context.Allocate(Bytes);
        Transfer.Fill(Context.LegacyStream, At(x, 40), 0, 4, 10, isAsync: true);
        AddOne(x, 10);
        Copy(Host, At(x, 40), 40);
        FindsNothing();
        Finds(() => Copy(Host, At(x, 44), 44), "a copy of 44 bytes to the host", "the byte 40 bytes into that");
    }

    [Theory]
    [InlineData(0, 200, 200)] // elsewhere in the same allocation,
    [InlineData(0, 36, 100)] // overlapping upwards,
    [InlineData(36, 4, 100)] // and downwards
    [InlineData(5, 311, 64)]
    public void A_copy_within_the_device_copies_what_is_written_and_what_is_not(int from, int to, int bytes)
    {
        ulong x = Context.Allocate(Bytes);
        // Every eighth byte is not written.
        bool[] isWritten = [.. Enumerable.Range(0, Bytes).Select(i => i % 8 != 3)];
        for (int i = 0; i < Bytes; i++)
        {
            if (isWritten[i])
                Transfer.Fill(Context.LegacyStream, At(x + (ulong)i, 1), 0, 1, 1, isAsync: true);
        }
        Copy(At(x + (ulong)to, (ulong)bytes), At(x + (ulong)from, (ulong)bytes), (ulong)bytes);
        FindsNothing();
        isWritten.AsSpan(from, bytes).ToArray().CopyTo(isWritten, to);
        AllocationBytes written = Cuda.Devices[0].Memory.Find(x)!.Written!;
        Assert.Equal(isWritten, Enumerable.Range(0, Bytes).Select(i => written.FirstMissing(x + (ulong)i, 1) is null));
        Assert.False(written.IsComplete);
        Transfer.Fill(Context.LegacyStream, At(x), 0, 1, Bytes, isAsync: true);
        FindsNothing();
        Assert.True(written.IsComplete);
    }

    [Fact]
    public void Memory_that_is_freed_is_no_leak()
    {
        Context.Free(Context.Allocate(64));
        Context.Destroy();
        Assert.Equal(0, Cuda.Findings.Count);
    }

    [Fact]
    public void Memory_that_nobody_frees_is_reported_when_the_context_goes()
    {
        string path = System.IO.Path.GetTempFileName();
        try
        {
            using EmulatedDriver driver = new(CheckSet.Leaks, [DeviceProfile.All[0]]) { Findings = new Findings(path) };
            CudaContext context = CudaContext.Create(driver, driver.Devices[0], 0);
            context.Free(context.Allocate(100));
            ulong kept = context.Allocate(1000);
            context.Destroy();
            Assert.Equal(1, driver.Findings.Count);
            string report = File.ReadAllText(path);
            Assert.Contains("destroyed with 1 allocations (1000 bytes)", report, StringComparison.Ordinal);
            Assert.Contains($"(1000 bytes at 0x{kept:x})", report, StringComparison.Ordinal);
            Assert.Equal(driver.Devices[0].Memory.TotalBytes, driver.Devices[0].Memory.FreeBytes);
        }
        finally
        {
            File.Delete(path);
        }
    }

    [Fact]
    public void Without_leakcheck_nobody_hears_of_leaks()
    {
        using EmulatedDriver driver = new(CheckSet.Default, [DeviceProfile.All[0]]);
        CudaContext context = CudaContext.Create(driver, driver.Devices[0], 0);
        context.Allocate(1000);
        context.Destroy();
        Assert.Equal(0, driver.Findings.Count);
    }
}
