using Xunit;

namespace Handwritten.Kernels.Tests;

public class PhiloxTests
{
    /// <summary>The vectors that the generator's authors publish with it (Random123, kat_vectors, philox4x32 with 10 rounds).</summary>
    [Theory]
    [InlineData(0u, 0u, 0u, 0u, 0u, 0u, 0x6627E8D5u, 0xE169C58Du, 0xBC57AC4Cu, 0x9B00DBD8u)]
    [InlineData(~0u, ~0u, ~0u, ~0u, ~0u, ~0u, 0x408F276Du, 0x41C83B0Eu, 0xA20BC7C6u, 0x6D5451FDu)]
    [InlineData(0x243F6A88u, 0x85A308D3u, 0x13198A2Eu, 0x03707344u, 0xA4093822u, 0x299F31D0u, 0xD16CFE09u, 0x94FDCCEBu, 0x5001E420u, 0x24126EA1u)]
    public void Gives_the_published_numbers(uint c0, uint c1, uint c2, uint c3, uint k0, uint k1, uint x, uint y, uint z, uint w)
    {
        Philox numbers = Philox.At(c0, c1, c2, c3, k0, k1);
        Assert.Equal((x, y, z, w), (numbers.X, numbers.Y, numbers.Z, numbers.W));
    }

    [Fact]
    public void Tokens_of_a_step_all_have_numbers_of_their_own()
    {
        LaneRules rules = new() { SeedLow = 9, Candidate = 2 };
        Assert.Equal(51865, Enumerable.Range(0, 51865).Select(token => (Philox.OfTokens(rules, 5, token).X, token / Philox.TokenStride % 4)).Distinct().Count());
        Assert.Equal(Philox.OfTokens(rules, 5, 1030).Y, Philox.OfToken(rules, 5, 1030));
    }

    [Theory]
    [InlineData(0u)]
    [InlineData(1u)]
    [InlineData(1000u)]
    [InlineData(0x7FFFFF00u)]
    [InlineData(0x40000000u)]
    public void Small_exponential_numbers_keep_their_digits(uint bits)
    {
        double v = (bits + 0.5) / 4294967296;
        double expected = -Math.Log(1 - v) is var direct && v > 1e-3 ? direct : v + (v * v / 2) + (v * v * v / 3);
        Assert.Equal(1, Philox.ExponentialNearZero(Philox.Uniform(bits)) / expected, 5e-7);
    }

    [Fact]
    public void Uniform_numbers_stay_between_zero_and_one()
    {
        Assert.InRange(Philox.Uniform(0), 1e-11f, 1e-9f);
        Assert.InRange(Philox.Uniform(uint.MaxValue), 0.9999f, 0.99999997f);
    }
}
