using Handwritten.MatrixLadder;
using Handwritten.Tests;
using Xunit;

namespace Handwritten.Kernels.Tests.Gpu;

/// <summary>What docs/course says of each step from the formula of a product to the shipped kernels.</summary>
[Collection(nameof(GpuTests))]
public sealed class MatrixLadderTests
{
    private static readonly Sizes Small = new(64, 128, 192);

    [Fact]
    public void Every_rung_computes_the_product()
    {
        using Ladder ladder = Open();
        Result[] rungs = [.. ladder.Climb()];

        Assert.Equal(7, rungs.Length);
        Assert.All(rungs[..^1], rung => Assert.InRange(rung.Error, 0, 1e-6));
        Assert.InRange(rungs[^1].Error, 1e-5, 1e-3); // float16
    }

    [CountersFact]
    public void Every_rung_moves_the_number_that_it_is_about()
    {
        using Ladder ladder = Open();
        Result[] rungs = [.. ladder.Climb()];
        (Result naive, Result wide, Result tight, Result padded, Result registers, Result single, Result half) =
            (rungs[0], rungs[1], rungs[2], rungs[3], rungs[4], rungs[5], rungs[6]);

        Assert.True(naive.SectorBytes >= 3.9 * wide.SectorBytes);
        Assert.True(wide.SectorBytes >= 25 * tight.SectorBytes);
        Assert.True(tight.Counters["sharedReplays"] >= 5 * tight.Counters["sharedAccesses"]);
        Assert.Equal(0, padded.Counters["sharedReplays"]);
        Assert.Equal(tight.Instructions, padded.Instructions);
        Assert.True(padded.Counters["sharedAccesses"] >= 8 * registers.Counters["sharedAccesses"]);
        Assert.True(padded.Instructions >= 2 * registers.Instructions);
        Assert.True(registers.Counters["sharedReplays"] > 0);
        Assert.Equal(0, single.Counters["sharedReplays"]);
        Assert.True(single.Instructions >= 6 * half.Instructions);
    }

    private static Ladder Open()
    {
        EmulatedDriver.Use();
        return new Ladder(EmulatedDriver.IsReal ? ComputeDevice.Cuda() : ComputeDevice.Emulated, Small);
    }
}
