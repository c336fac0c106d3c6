using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text.Json;
using Handwritten.Kernels;
using Handwritten.Model.Synthetic;
using Handwritten.Tests;
using Xunit;

namespace Handwritten.Model.Tests.Synthetic;

/// <summary>The made-up models are the ones that the reference activations were computed with, to the last bit.</summary>
public class SyntheticWeightsTests
{
    private const string Positions = "model.encoder.embed_positions.weight";

    [Theory]
    [InlineData("tiny")]
    [InlineData("tiny.en")]
    [InlineData("base")]
    [InlineData("small")]
    public void Weights_have_the_hashes_of_the_reference(string model) => CheckHashes(model);

    [Theory]
    [Trait("Speed", "Slow")]
    [InlineData("medium")]
    [InlineData("large-v2")]
    [InlineData("large-v3")]
    [InlineData("large-v3-turbo")]
    [InlineData("distil-large-v3")]
    public void Large_weights_have_the_hashes_of_the_reference(string model) => CheckHashes(model);

    private static unsafe void CheckHashes(string model)
    {
        using JsonDocument reference = JsonDocument.Parse(File.ReadAllBytes(TestData.Path("reference", "shapes", model + ".json")));
        JsonElement expected = reference.RootElement.GetProperty("weights");
        Dictionary<string, string> expectedOfTensors = expected.GetProperty("tensor_sha256_16").EnumerateObject()
            .ToDictionary(tensor => tensor.Name, tensor => tensor.Value.GetString()!);
        using SyntheticWeights weights = new(WhisperDimensions.Known[model]);
        using IncrementalHash all = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);

        Assert.Equal(expectedOfTensors.Keys.Order(StringComparer.Ordinal), weights.Names);
        foreach (string name in weights.Names)
        {
            using HostTensor tensor = weights.Open(name);
            Assert.Equal((name, expectedOfTensors[name]), (name, Convert.ToHexStringLower(SHA256.HashData(tensor.Bytes))[..16]));
            if (name != Positions)
            {
                all.AppendData(tensor.Bytes);
            }
        }

        Assert.Equal(expected.GetProperty("sha256").GetString(), Convert.ToHexStringLower(all.GetHashAndReset()));
    }

    [Theory]
    [InlineData(1, 1, 0x3f50ab2eu)]
    [InlineData(1499, 100, 0xbef5aa1eu)]
    [InlineData(1499, 383, 0x3f7d2115u)]
    public void Encoder_positions_are_sinusoids(int position, int column, uint bits)
    {
        using SyntheticWeights weights = new(WhisperDimensions.Known["tiny"]);
        using HostTensor table = weights.Open(Positions);
        Assert.Equal([1500, 384], table.Shape);
        Assert.Equal(bits, MemoryMarshal.Cast<byte, uint>(table.Bytes)[(position * 384) + column]);
    }

    [Theory]
    [InlineData("model.encoder.layers.1.fc1.weight")]
    [InlineData("model.decoder.layer_norm.weight")]
    [InlineData(Positions)]
    public void Half_precision_is_single_precision_rounded_to_nearest_even(string name)
    {
        WhisperDimensions tiny = WhisperDimensions.Known["tiny"];
        using HostTensor single = new SyntheticWeights(tiny).Open(name);
        using HostTensor half = new SyntheticWeights(tiny, DType.F16).Open(name);
        using HostTensor brain = new SyntheticWeights(tiny, DType.BF16).Open(name);

        Assert.Equal((DType.F16, DType.BF16), (half.Type, brain.Type));
        Assert.Equal(single.ByteCount, half.ByteCount + brain.ByteCount);
        ReadOnlySpan<float> values = MemoryMarshal.Cast<byte, float>(single.Bytes);
        ReadOnlySpan<Half> halves = MemoryMarshal.Cast<byte, Half>(half.Bytes);
        ReadOnlySpan<ushort> brains = MemoryMarshal.Cast<byte, ushort>(brain.Bytes);
        for (int i = 0; i < values.Length; i++)
        {
            if (halves[i] != (Half)values[i] || brains[i] != NearestBrain(values[i]))
            {
                Assert.Fail($"Element {i}, {values[i]:R}, became {halves[i]} and {brains[i]:x4}.");
            }
        }
    }

    /// <summary>Of the two bfloat16 numbers around a value the nearer one, by distances in double precision.</summary>
    private static ushort NearestBrain(float value)
    {
        ushort towardsZero = (ushort)(BitConverter.SingleToUInt32Bits(value) >> 16);
        ushort away = (ushort)(towardsZero + 1);
        double near = Math.Abs(value - (double)Widen(towardsZero));
        double far = Math.Abs(value - (double)Widen(away));
        return near < far || (near == far && towardsZero % 2 == 0) ? towardsZero : away;

        static float Widen(ushort upperHalf) => BitConverter.UInt32BitsToSingle((uint)upperHalf << 16);
    }

    [Fact]
    public void Unknown_tensors_are_refused_in_one_sentence()
    {
        using SyntheticWeights weights = new(WhisperDimensions.Known["tiny"]);
        Assert.False(weights.Contains("proj_out.weight"));
        ModelException refusal = Assert.Throws<ModelException>(() => weights.Open("proj_out.weight"));
        Assert.Contains("'proj_out.weight'", refusal.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Other_element_types_are_refused() =>
        Assert.Throws<ArgumentOutOfRangeException>(() => new SyntheticWeights(WhisperDimensions.Known["tiny"], DType.I8));
}
