using System.Buffers.Binary;
using System.Text.Json;
using Handwritten.Tests;
using Xunit;

namespace Handwritten.Model.Tests;

public class MelFiltersTests
{
    [Theory]
    [InlineData(80)]
    [InlineData(128)]
    public void Are_the_filters_that_the_original_ships(int mels)
    {
        float[] expected = Reference($"mel_{mels}");
        float[] actual = MelFilters.Create(mels);
        Assert.Equal(expected.Length, actual.Length);
        Assert.All(expected.Zip(actual), pair => Assert.Equal(pair.First, pair.Second, 1e-9f));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(40)]
    [InlineData(64)]
    [InlineData(80)]
    public void Are_triangles_of_equal_area(int mels)
    {
        float[] filters = MelFilters.Create(mels);
        Assert.Equal(mels * WhisperAudio.FourierBins, filters.Length);
        Assert.All(filters, weight => Assert.True(weight >= 0));
        for (int mel = 0; mel < mels; mel++)
        {
            // Narrow triangles are sampled too coarsely for the sum to say anything about the area.
            float[] filter = filters[(mel * WhisperAudio.FourierBins)..((mel + 1) * WhisperAudio.FourierBins)];
            if (filter.Count(weight => weight > 0) > 8)
            {
                Assert.Equal(1, 40 * filter.Sum(), 0.03);
            }
        }
    }

    [Theory]
    [InlineData(0)]
    [InlineData(-80)]
    public void Need_a_band(int mels) => Assert.Throws<ArgumentOutOfRangeException>(() => MelFilters.Create(mels));

    [Theory]
    [InlineData(80)]
    [InlineData(128)]
    public void A_frequency_lies_in_the_band_that_weighs_it_most(int mels)
    {
        float[] filters = MelFilters.Create(mels);
        for (int bin = 1; bin < WhisperAudio.FourierBins - 4; bin++)
        {
            double band = MelFilters.Band(40.0 * bin, mels);
            float[] weights = [.. Enumerable.Range(0, mels).Select(mel => filters[(mel * WhisperAudio.FourierBins) + bin])];
            int[] heard = [.. Enumerable.Range(0, mels).Where(mel => weights[mel] > 0)];
            Assert.All(heard, mel => Assert.InRange(band, mel - 1, mel + 1));
        }

        Assert.Equal(-1, MelFilters.Band(0, mels), 1e-9);
        Assert.Equal(mels, MelFilters.Band(8000, mels), 1e-9);
    }

    private static float[] Reference(string name)
    {
        byte[] bytes = File.ReadAllBytes(TestData.Path("reference", "frontend", "mel_filters.safetensors"));
        int headerLength = (int)BinaryPrimitives.ReadInt64LittleEndian(bytes);
        using JsonDocument header = JsonDocument.Parse(bytes.AsMemory(8, headerLength));
        int[] offsets = [.. header.RootElement.GetProperty(name).GetProperty("data_offsets").EnumerateArray().Select(offset => offset.GetInt32())];
        float[] values = new float[(offsets[1] - offsets[0]) / sizeof(float)];
        Buffer.BlockCopy(bytes, 8 + headerLength + offsets[0], values, 0, offsets[1] - offsets[0]);
        return values;
    }
}
