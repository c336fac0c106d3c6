using Handwritten.Kernels.Gpu;
using Xunit;

namespace Handwritten.Kernels.Tests.Gpu.Device;

public sealed class MemoryEstimateTests
{
    private const long GiB = 1L << 30;

    private static readonly MemoryEstimate Model = new MemoryEstimate("large-v3").Add("weights", 3 * GiB / 2).Add("weights", GiB / 8).AddSingle("logits", GiB / 16);

    [Fact]
    public void Bytes_depend_on_the_compute_type()
    {
        long reserve = GiB / 4;
        Assert.Equal((13 * GiB / 2) + (GiB / 4) + reserve, Model.Bytes(ComputeType.Float32));
        Assert.Equal((13 * GiB / 4) + (GiB / 4) + reserve, Model.Bytes(ComputeType.Float16));
        Assert.Equal(Model.Bytes(ComputeType.Float16), Model.Bytes(ComputeType.BFloat16));
    }

    /// <summary>A byte for each weight and a scale for each output; and room to widen the largest matrix that is widened, which the token table is not.</summary>
    [Fact]
    public void Int8_weights_take_a_byte_each_and_room_to_widen_one_matrix()
    {
        MemoryEstimate model = new MemoryEstimate("tiny").AddMatrix("weights", 51865, 384).AddMatrix("weights", 1536, 384).AddMatrix("weights", 384, 384).Add("weights", 1000);
        long reserve = GiB / 4, codes = (51865 + 1536 + 384) * 384, scales = 4 * (51865 + 1536 + 384);
        Assert.Equal(reserve + codes + scales + (2 * 1536 * 384) + 2000, model.Bytes(ComputeType.Int8Float16));
        Assert.Equal(reserve + codes + scales + (4 * 1536 * 384) + 4000, model.Bytes(ComputeType.Int8Float32));
        Assert.Equal(reserve + (2 * codes) + 2000, model.Bytes(ComputeType.Float16));
    }

    [Fact]
    public void Where_only_int8_weights_fit_they_are_what_is_advised()
    {
        MemoryEstimate model = new MemoryEstimate("large-v3").AddMatrix("weights", 51866, 1280 * 24);
        Assert.EndsWith("With --compute-type int8 it takes 1.7 GiB and fits.", model.Refusal(ComputeType.Float16, "T4", 75, 2 * GiB, 16 * GiB)!, StringComparison.Ordinal);
    }

    [Fact]
    public void What_fits_is_not_refused() => Assert.Null(Model.Refusal(ComputeType.Float32, "T4", 75, 7 * GiB, 16 * GiB));

    [Theory]
    [InlineData(75, "With --compute-type float16 it takes 3.8 GiB and fits.")]
    [InlineData(80, "With --compute-type float16 or bfloat16 it takes 3.8 GiB and fits.")]
    public void What_does_not_fit_is_told_what_would(int computeCapability, string advice) => Assert.Equal(
        $"large-v3 does not fit T4: with float32 it takes 7.0 GiB (weights 6.5 GiB, logits 256.0 MiB), and 6.0 GiB of 16.0 GiB are free. {advice}",
        Model.Refusal(ComputeType.Float32, "T4", computeCapability, 6 * GiB, 16 * GiB));

    [Fact]
    public void What_fits_with_no_type_is_told_so() =>
        Assert.EndsWith("It fits with no compute type: choose a smaller model or batch.", Model.Refusal(ComputeType.Float16, "T4", 75, GiB, 16 * GiB)!, StringComparison.Ordinal);
}
