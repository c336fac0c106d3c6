using System.Text;
using System.Text.Json;
using Handwritten.Runtime.Decoding;
using Handwritten.Tests;
using Xunit;

namespace Handwritten.Runtime.Tests.Decoding;

public class CompressionRatioTests
{
    [Fact]
    public void Is_that_of_the_original()
    {
        foreach (JsonElement example in Load("tokenizer", "compression_ratio.json").GetProperty("cases").EnumerateArray())
        {
            AssertClose(example.GetProperty("text").GetString()!, example.GetProperty("ratio").GetDouble());
        }
    }

    [Fact]
    public void Is_that_of_the_original_for_what_the_demo_model_says()
    {
        int runs = 0;
        foreach (JsonElement clip in Load("nano", "decode.json").GetProperty("clips").EnumerateArray())
        {
            foreach (JsonElement run in clip.GetProperty("runs").EnumerateObject().Select(run => run.Value).Where(run => !run.TryGetProperty("error", out _)))
            {
                AssertClose(run.GetProperty("text").GetString()!, run.GetProperty("compression_ratio").GetDouble());
                runs++;
            }
        }

        Assert.True(runs > 100);
    }

    [Fact]
    public void Is_zero_for_no_text() => Assert.Equal(0, CompressionRatio.Of(""));

    // Two bytes, as the class explains, or half a percent of texts that are longer than any window's (224 tokens).
    private static void AssertClose(string text, double expected)
    {
        double actual = CompressionRatio.Of(text);
        int bytes = Encoding.UTF8.GetByteCount(text);
        if (bytes > 0)
        {
            double expectedSize = bytes / expected;
            Assert.Equal(expectedSize, bytes / actual, Math.Max(2.01, 0.005 * expectedSize));
        }

        Assert.Equal(expected > 2.4, actual > 2.4);
    }

    private static JsonElement Load(params string[] path) =>
        JsonDocument.Parse(File.ReadAllBytes(TestData.Path(["reference", .. path]))).RootElement;
}
