using System.Runtime.InteropServices;
using Handwritten.CudaEmulator.Device;
using Handwritten.CudaEmulator.Driver;
using Xunit;

namespace Handwritten.CudaEmulator.Tests.Driver;

public sealed unsafe class MemoryTests : DriverFixture
{
    private static readonly DeviceProfile Small = DeviceProfile.All[0] with { MemoryBytes = 1 << 20 };

    public MemoryTests() : base(Small, Small)
    {
    }

    private Place At(ulong address, ulong bytes) => Cuda.Memory.Locate(address, bytes, "memory");

    private static Span<byte> Bytes(ulong address, int count) => new((void*)address, count);

    [Fact]
    public void Memory_is_aligned_counted_and_given_back()
    {
        ulong a = Context.Allocate(1000), b = Context.Allocate(1);
        Assert.Equal(0ul, a % 256);
        Assert.Equal(0ul, b % 256);
        Assert.Equal((1 << 20) - 1001, Cuda.Devices[0].Memory.FreeBytes);
        Assert.Equal(1 << 20, Cuda.Devices[1].Memory.FreeBytes);
        Context.Free(a);
        Context.Free(b);
        Assert.Equal(1 << 20, Cuda.Devices[0].Memory.FreeBytes);
    }

    [Fact]
    public void An_allocation_has_a_size_that_is_there()
    {
        Fails(CudaResult.InvalidValue, () => Context.Allocate(0));
        Fails(CudaResult.OutOfMemory, () => Context.Allocate((1 << 20) + 1));
        Fails(CudaResult.OutOfMemory, () => Context.Allocate(ulong.MaxValue));
        Context.Allocate(1 << 20);
        Fails(CudaResult.OutOfMemory, () => Context.Allocate(1));
    }

    [Fact]
    public void Only_the_beginning_of_an_allocation_can_be_freed_and_once()
    {
        ulong address = Context.Allocate(64);
        Fails(CudaResult.InvalidValue, () => Context.Free(address + 8));
        Context.Free(address);
        Assert.Contains("has been freed", Fails(CudaResult.InvalidValue, () => Context.Free(address)).Message, StringComparison.Ordinal);
        ulong host = Cuda.PageLocked.Allocate(64);
        Fails(CudaResult.InvalidValue, () => Context.Free(host));
    }

    [Fact]
    public void To_free_memory_is_to_wait_for_the_work_that_might_use_it()
    {
        ulong address = Context.Allocate(64);
        NewStream().Add(Note("work"));
        Context.Free(address);
        Assert.Equal("work", Log);
    }

    [Fact]
    public void Memory_freed_in_a_streams_order_lives_until_its_turn()
    {
        CudaStream stream = NewStream();
        ulong address = Context.Allocate(64);
        stream.Add(new FillWork(At(address, 64), 7, 1, 64));
        Context.FreeAsync(address, stream);
        stream.Synchronize();
        Assert.Null(Cuda.Memory.TryLocate(address));
    }

    [Fact]
    public void A_copy_of_memory_that_was_freed_before_its_turn_is_a_fault()
    {
        (CudaStream a, CudaStream b) = (NewStream(), NewStream());
        ulong from = Context.Allocate(64), to = Context.Allocate(64);
        a.Add(new CopyWork(At(to, 64), At(from, 64), 64));
        Context.FreeAsync(from, b); // b does not wait for a
        b.Synchronize();
        Assert.Contains("after that was freed", Fails(CudaResult.IllegalAddress, a.Synchronize).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_destroyed_context_gives_its_memory_back()
    {
        CudaContext context = CudaContext.Create(Cuda, Cuda.Devices[0], 0);
        context.Allocate(1000);
        nint stream = context.Own(context.CreateStream(true, 0));
        context.Destroy();
        Assert.Equal(1 << 20, Cuda.Devices[0].Memory.FreeBytes);
        Fails(CudaResult.InvalidHandle, () => Cuda.Handles.Get<CudaStream>(stream));
        Fails(CudaResult.InvalidContext, () => Cuda.Handles.Get<CudaContext>(context.Handle));
        Fails(CudaResult.ContextIsDestroyed, context.ThrowIfFailed);
    }

    [Fact]
    public void Page_locked_memory_is_known_to_all_devices()
    {
        ulong address = Cuda.PageLocked.Allocate(100);
        Assert.All(Cuda.Devices, device => Assert.NotNull(device.Memory.Find(address, 100)));
        Assert.Equal(PlaceKind.PageLocked, At(address, 100).Kind);
        Cuda.PageLocked.Free(address);
        Assert.All(Cuda.Devices, device => Assert.Null(device.Memory.Find(address)));
        Fails(CudaResult.InvalidValue, () => Cuda.PageLocked.Free(address));
        Fails(CudaResult.InvalidValue, () => Cuda.PageLocked.Allocate(0));
    }

    [Fact]
    public void The_programs_memory_can_be_registered_once()
    {
        byte[] array = GC.AllocateArray<byte>(4096, pinned: true);
        fixed (byte* first = array)
        {
            ulong address = (ulong)first;
            Assert.Equal(PlaceKind.Pageable, At(address, 4096).Kind);
            Cuda.PageLocked.Register(address, 4096);
            Assert.Equal(PlaceKind.PageLocked, At(address + 4095, 1).Kind);
            Fails(CudaResult.HostMemoryAlreadyRegistered, () => Cuda.PageLocked.Register(address + 4095, 1));
            Fails(CudaResult.HostMemoryNotRegistered, () => Cuda.PageLocked.Unregister(address + 1));
            Fails(CudaResult.InvalidValue, () => Cuda.PageLocked.Free(address));
            Cuda.PageLocked.Unregister(address);
            Fails(CudaResult.HostMemoryNotRegistered, () => Cuda.PageLocked.Unregister(address));
            Assert.Equal(PlaceKind.Pageable, At(address, 4096).Kind);
        }
        Fails(CudaResult.InvalidValue, () => Cuda.PageLocked.Register(0, 4096));
    }

    [Fact]
    public void A_range_lies_in_one_allocation_or_in_the_programs_memory()
    {
        ulong address = Context.Allocate(64);
        Assert.Equal(new Place(address + 60, PlaceKind.Device, 0, Cuda.Devices[0].Memory.Find(address)), At(address + 60, 4));
        Assert.Contains("run over the end", Fails(CudaResult.InvalidValue, () => At(address + 60, 5)).Message, StringComparison.Ordinal);
        Fails(CudaResult.InvalidValue, () => At(0, 1));
        Fails(CudaResult.InvalidValue, () => At(0x1234_5678_9000, 1));
        Fails(CudaResult.InvalidValue, () => At(ulong.MaxValue - 10, 100));
        byte onStack = 0;
        Assert.Equal(PlaceKind.Pageable, At((ulong)&onStack, 1).Kind);
        Fails(CudaResult.InvalidValue, () => Cuda.Memory.LocateOnDevice((ulong)NativeMemory.Alloc(1), 1, "memory"));
    }

    [Fact]
    public void Page_locked_memory_is_copied_when_the_copys_turn_comes()
    {
        CudaStream stream = NewStream();
        ulong host = Cuda.PageLocked.Allocate(4), device = Context.Allocate(4);
        Bytes(host, 4).Fill(1);
        Transfer.Copy(stream, At(device, 4), At(host, 4), 4, isAsync: true);
        Bytes(host, 4).Fill(2); // too early: the copy has not been waited for
        stream.Synchronize();
        Assert.Equal(2, Bytes(device, 4)[0]);
        Bytes(host, 4).Fill(3);
        Transfer.Copy(stream, At(host, 4), At(device, 4), 4, isAsync: true);
        Assert.Equal(3, Bytes(host, 4)[0]); // not there yet
        stream.Synchronize();
        Assert.Equal(2, Bytes(host, 4)[0]);
    }

    [Theory]
    [InlineData(4)]
    [InlineData(Transfer.MaxStagedBytes + 1)]
    public void Pageable_memory_may_change_as_soon_as_the_call_returns(int bytes)
    {
        CudaStream stream = NewStream();
        ulong device = Context.Allocate((ulong)bytes);
        byte* host = (byte*)NativeMemory.Alloc((nuint)bytes);
        Bytes((ulong)host, bytes).Fill(1);
        Transfer.Copy(stream, At(device, (ulong)bytes), At((ulong)host, (ulong)bytes), (ulong)bytes, isAsync: true);
        Bytes((ulong)host, bytes).Fill(2);
        stream.Synchronize();
        Assert.Equal(bytes, Bytes(device, bytes).Count((byte)1));
        Transfer.Copy(stream, At((ulong)host, (ulong)bytes), At(device, (ulong)bytes), (ulong)bytes, isAsync: true);
        Assert.Equal(bytes, Bytes((ulong)host, bytes).Count((byte)1)); // the call has waited
        NativeMemory.Free(host);
    }

    [Fact]
    public void Synchronous_calls_wait_for_host_memory_but_not_for_device_memory()
    {
        ulong host = Cuda.PageLocked.Allocate(4), a = Context.Allocate(4), b = Context.Allocate(4);
        CudaStream legacy = Context.LegacyStream;
        Bytes(host, 4).Fill(1);
        Transfer.Copy(legacy, At(a, 4), At(host, 4), 4, isAsync: false);
        Assert.Equal(1, Bytes(a, 4)[0]);
        Transfer.Copy(legacy, At(b, 4), At(a, 4), 4, isAsync: false);
        Assert.Equal(0, Bytes(b, 4)[0]);
        Transfer.Fill(legacy, At(a, 4), 9, 1, 4, isAsync: false);
        Assert.Equal(1, Bytes(a, 4)[0]);
        Transfer.Copy(legacy, At(host, 4), At(a, 4), 4, isAsync: false);
        Assert.Equal((9, 1), (Bytes(host, 4)[0], Bytes(b, 4)[0]));
        Transfer.Fill(legacy, At(host, 4), 5, 1, 4, isAsync: false);
        Assert.Equal(5, Bytes(host, 4)[3]);
    }

    [Theory]
    [InlineData(1, 0x12345678u, new byte[] { 0x78, 0x78, 0x78, 0x78 })]
    [InlineData(2, 0x12345678u, new byte[] { 0x78, 0x56, 0x78, 0x56 })]
    [InlineData(4, 0x12345678u, new byte[] { 0x78, 0x56, 0x34, 0x12 })]
    public void Memory_is_set_by_elements(int elementBytes, uint value, byte[] expected)
    {
        CudaStream stream = NewStream();
        ulong address = Context.Allocate(16);
        Transfer.Fill(stream, At(address + 4, 8), value, elementBytes, 8 / (ulong)elementBytes, isAsync: true);
        stream.Synchronize();
        Assert.Equal([0, 0, 0, 0, .. expected, .. expected, 0, 0, 0, 0], Bytes(address, 16).ToArray());
        if (elementBytes > 1)
            Fails(CudaResult.InvalidValue, () => Transfer.Fill(stream, At(address + 1, 4), value, elementBytes, 1, isAsync: true));
    }

    [Fact]
    public void Overlapping_ranges_are_copied_as_if_through_another_place()
    {
        CudaStream stream = NewStream();
        ulong address = Context.Allocate(8);
        for (int i = 0; i < 8; i++)
            Bytes(address, 8)[i] = (byte)i;
        Transfer.Copy(stream, At(address + 2, 6), At(address, 6), 6, isAsync: true);
        stream.Synchronize();
        Assert.Equal([0, 1, 0, 1, 2, 3, 4, 5], Bytes(address, 8).ToArray());
    }

    [Fact]
    public void Copies_go_from_device_to_device()
    {
        CudaContext other = CudaContext.Create(Cuda, Cuda.Devices[1], 0);
        ulong there = other.Allocate(4), here = Context.Allocate(4);
        Bytes(there, 4).Fill(8);
        Place from = At(there, 4);
        Assert.Equal(1, from.Ordinal);
        CudaStream stream = NewStream();
        Transfer.Copy(stream, At(here, 4), from, 4, isAsync: true);
        stream.Synchronize();
        Assert.Equal(8, Bytes(here, 4)[3]);
    }
}
