using Handwritten.Runtime.Audio;
using Xunit;

namespace Handwritten.Runtime.Tests.Audio;

public sealed class SampleBlocksTests
{
    [Fact]
    public void Samples_come_out_as_they_went_in_across_blocks()
    {
        using SampleBlocks blocks = new();
        float[] piece = new float[1_000_003]; // no divisor of a block
        int count = 0;
        for (int round = 0; round < 18; round++)
        {
            foreach (ref float sample in piece.AsSpan())
            {
                sample = count++ % 65_521;
            }

            blocks.Append(piece);
        }

        Assert.Equal(count, blocks.Count);
        float[] all = blocks.Take();
        Assert.Equal(count, all.Length);
        for (int i = 0; i < all.Length; i++)
        {
            if (all[i] != i % 65_521)
            {
                Assert.Fail($"Sample {i} is {all[i]}.");
            }
        }
    }

    [Fact]
    public void What_was_taken_is_gone_and_others_may_follow()
    {
        using SampleBlocks blocks = new();
        Assert.Empty(blocks.Take());
        blocks.Append([1, 2]);
        Assert.Equal([1, 2], blocks.Take());
        blocks.Append([3]);
        Assert.Equal([3], blocks.Take());
        Assert.Equal(0, blocks.Count);
    }
}
