using Handwritten.Model.Synthetic;
using Xunit;

namespace Handwritten.Model.Tests.Synthetic;

/// <summary>The check values of tests/data/reference/README.md, and that one number is the same however it is made.</summary>
public class DeterministicValuesTests
{
    [Theory]
    [InlineData("", 0xcbf29ce484222325, 0xc3817c016ba4ff30, 0x100cdaacc0bc9316, 0x54c3a569ecf61b1b)]
    [InlineData("a", 0xaf63dc4c8601ec8c, 0x5f29c2aadd9b8527, 0xff84f1bdb6d3884f, 0xfdfab147e960346e)]
    [InlineData("model.encoder.conv1.weight", 0x6cd587027f71ed37, 0xe036880181f02190, 0x66cfa9ae9de2e192, 0x79bacaf9349ff0ec)]
    public void Streams_start_as_the_reference_says(string name, ulong seed, ulong first, ulong second, ulong third)
    {
        Assert.Equal(seed, DeterministicValues.Seed(name));
        Assert.Equal([first, second, third], Enumerable.Range(0, 3).Select(i => DeterministicValues.Bits(name, i)));
    }

    [Theory]
    [InlineData("model.encoder.conv1.weight", 0, 0.22360679774997896, 0, 0x3e2c1c6fu)]
    [InlineData("model.encoder.conv1.weight", 1, 0.22360679774997896, 0, 0xbd343c90u)]
    [InlineData("model.encoder.conv1.weight", 92159, 0.22360679774997896, 0, 0xbe0800eau)]
    [InlineData("model.encoder.layers.0.self_attn_layer_norm.weight", 7, 0.1, 1, 0x3f86c584u)]
    [InlineData("model.encoder.layers.3.fc2.bias", 383, 0.05, 0, 0xbcf45e20u)]
    [InlineData("model.decoder.layers.2.encoder_attn.out_proj.weight", 100, 0.013258252147247766, 0, 0xbb3b3d98u)]
    [InlineData("model.decoder.embed_tokens.weight", 19916159, 0.3535533905932738, 0, 0x3de3135cu)]
    [InlineData("model.encoder.conv1.weight", 491519, 0.1767766952966369, 0, 0x3de5170au)]
    [InlineData("model.decoder.layers.31.fc1.weight", 6553599, 0.04841229182759271, 0, 0x3d1056fcu)]
    [InlineData("model.decoder.embed_positions.weight", 12345, 0.3872983346207417, 0, 0x3e497bcdu)]
    public void Values_have_the_bits_of_the_reference(string name, long index, double scale, double offset, uint bits) =>
        Assert.Equal(bits, BitConverter.SingleToUInt32Bits(DeterministicValues.Value(name, index, scale, offset)));

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(7)]
    [InlineData(64)]
    [InlineData(1001)]
    public void Filling_gives_the_same_values_as_asking_for_each(int count)
    {
        const long first = 5_000_000_123;
        float[] filled = new float[count];
        DeterministicValues.Fill(filled, "some.tensor", 0.3, 0.7, first);
        Assert.Equal(Enumerable.Range(0, count).Select(i => DeterministicValues.Value("some.tensor", first + i, 0.3, 0.7)), filled);
    }

    [Fact]
    public void Values_lie_in_the_range_and_spread_over_it()
    {
        float[] values = new float[100_000];
        DeterministicValues.Fill(values, "spread", scale: 2, offset: 3);
        Assert.All(values, value => Assert.InRange(value, 1f, 5f));
        // A uniform distribution over [1, 5): mean 3, standard deviation 4 / sqrt(12) = 1.1547.
        Assert.Equal(3, values.Average(), 0.02);
        Assert.Equal(1.1547, Math.Sqrt(values.Average(value => (value - 3.0) * (value - 3.0))), 0.01);
    }
}
