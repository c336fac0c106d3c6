using Handwritten.Runtime.Serving;
using Xunit;

namespace Handwritten.Runtime.Tests.Serving;

/// <summary>Lanes side by side.</summary>
public sealed class LanePoolTests
{
    [Fact]
    public void The_first_gap_that_is_large_enough_is_taken()
    {
        LanePool pool = new(8);
        Assert.Equal(0, pool.Take(2));
        Assert.Equal(2, pool.Take(3));
        Assert.Equal(5, pool.Take(1));
        pool.Return(2, 3);
        Assert.Null(pool.Take(4));
        Assert.Equal(2, pool.Take(2));
        Assert.Equal(4, pool.Take(1));
        Assert.Equal(6, pool.Take(2));
        Assert.Null(pool.Take(1));
        Assert.Equal(8, pool.InUse);
    }
}
