using Handwritten.CudaEmulator.Device;
using Handwritten.CudaEmulator.Driver;
using Xunit;

namespace Handwritten.CudaEmulator.Tests.Driver;

/// <summary>Expected numbers are those of NVIDIA's occupancy calculator.</summary>
public sealed class OccupancyTests : DriverFixture
{
    public OccupancyTests() : base(DeviceProfile.Choose("h200,t4"))
    {
    }

    private CudaFunction Find(string name, int device = 0)
    {
        CudaContext context = CudaContext.Create(Cuda, Cuda.Devices[device], 0);
        return Cuda.Handles.Get<CudaFunction>(CudaModule.Load(context, SamplePtx.Text).Function(name));
    }

    [Theory]
    [InlineData(0, 32, 32)] // places for blocks
    [InlineData(0, 64, 32)] // both
    [InlineData(0, 256, 8)] // places for warps
    [InlineData(0, 1024, 2)]
    [InlineData(0, 1000, 2)] // a block takes whole warps
    [InlineData(1, 32, 16)]
    [InlineData(1, 256, 4)]
    public void Blocks_are_limited_by_places(int device, int threads, int expected) =>
        Assert.Equal(expected, Occupancy.Blocks(Find("add_one", device), threads, 0));

    [Theory]
    [InlineData(0, 0, 5)] // 228 KB / (40 + 1)
    [InlineData(0, 8 * 1024, 4)] // 228 / 49
    [InlineData(0, 187 * 1024, 1)]
    [InlineData(0, 187 * 1024 + 1, 0)]
    [InlineData(1, 0, 1)] // 64 KB / 40
    public void Blocks_are_limited_by_shared_memory(int device, int dynamicBytes, int expected) =>
        Assert.Equal(expected, Occupancy.Blocks(Find("stage", device), 32, dynamicBytes));

    [Theory]
    [InlineData(1, 1024)]
    [InlineData(64, 1024)]
    [InlineData(65, 896)] // 72 registers with rounding: 28 warps
    [InlineData(128, 512)]
    [InlineData(255, 256)]
    public void Threads_are_limited_by_registers(int registers, int expected) => Assert.Equal(expected, Occupancy.MaxThreads(registers));

    [Fact]
    public void The_best_block_fills_a_multiprocessor()
    {
        Assert.Equal((2 * 132, 1024), Occupancy.BestBlock(Find("add_one"), _ => 0, 0));
        Assert.Equal((8 * 132, 256), Occupancy.BestBlock(Find("add_one"), _ => 0, 256));
        Assert.Equal((32 * 132, 64), Occupancy.BestBlock(Find("add_one"), _ => 0, 100)); // 96 would leave 32 places empty
        Assert.Equal((16 * 132, 128), Occupancy.BestBlock(Find("bounded"), _ => 0, 0));
        Assert.Equal((1 * 40, 1024), Occupancy.BestBlock(Find("add_one", device: 1), _ => 0, 0));
    }

    [Fact]
    public void The_best_block_heeds_shared_memory_that_grows_with_it()
    {
        // 1 KB a thread and 1 KB for the system: 227 KB hold blocks of 224 threads at most, and 228 KB in all 222 threads or fewer.
        (int grid, int block) = Occupancy.BestBlock(Find("add_one"), threads => threads * 1024, 0);
        Assert.Equal((132, 224), (grid, block));
    }

    [Fact]
    public void Shared_memory_is_shared_out_among_blocks()
    {
        CudaFunction kernel = Find("add_one");
        for (int blocks = 1; blocks <= 16; blocks++)
        {
            int bytes = Occupancy.DynamicSharedFor(kernel, blocks, 128);
            Assert.Equal(blocks, Occupancy.Blocks(kernel, 128, bytes));
            Assert.True(blocks == 1 || Occupancy.Blocks(kernel, 128, bytes + 128) < blocks);
        }
        Assert.Equal(227 * 1024, Occupancy.DynamicSharedFor(kernel, 1, 128));
    }
}
