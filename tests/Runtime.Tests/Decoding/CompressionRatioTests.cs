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
            Assert.Equal(example.GetProperty("ratio").GetDouble(), CompressionRatio.Of(example.GetProperty("text").GetString()!), 1e-12);
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
                Assert.Equal(run.GetProperty("compression_ratio").GetDouble(), CompressionRatio.Of(run.GetProperty("text").GetString()!), 1e-12);
                runs++;
            }
        }

        Assert.True(runs > 100);
    }

    [Fact]
    public void Is_zero_for_no_text() => Assert.Equal(0, CompressionRatio.Of(""));

    // The sizes are those of Python's zlib.compress with zlib 1.2.13.
    [Theory]
    [InlineData("a", 1, 9)]
    [InlineData("a", 2, 10)]
    [InlineData("ab", 3, 12)]
    [InlineData("ab", 300, 16)]
    [InlineData("abc", 2, 14)]
    [InlineData("x", 258, 12)]
    [InlineData("x", 259, 12)]
    [InlineData("x", 16_000, 36)]
    [InlineData("thank you ", 40, 23)]
    [InlineData("the cat, the hat ", 1, 23)]
    [InlineData("no ", 5, 13)]
    [InlineData("日本語", 60, 25)]
    [InlineData("abcdefghijklmnopqrstuvwxyz", 3, 37)]
    public void Repetitions_take_the_bytes_that_zlib_takes(string unit, int times, int bytes) => AssertSize(bytes, string.Concat(Enumerable.Repeat(unit, times)));

    [Fact]
    public void Words_and_letters_in_any_order_take_the_bytes_that_zlib_takes()
    {
        string[] words = ["the", "a", "cat", "hat", "mama", "no", "yes", "thank", "you", "7", "4", "é", "日本", ",", ".", "!"];
        (int Count, int Bytes)[] texts = [(1, 12), (2, 14), (5, 25), (10, 37), (20, 55), (50, 107), (100, 173), (200, 278), (400, 474), (800, 857), (1500, 1523), (3000, 2861)];
        for (int seed = 0; seed < texts.Length; seed++)
        {
            Sequence random = new(seed);
            AssertSize(texts[seed].Bytes, string.Concat(Enumerable.Range(0, texts[seed].Count).Select(_ => words[random.Next(shift: 16, 16)] + (random.Current(shift: 10, 5) > 0 ? " " : ""))));
        }

        (int Count, int Kinds, int Bytes)[] letters =
            [(10, 90, 18), (100, 90, 108), (1000, 90, 849), (10_000, 90, 8232), (10_000, 2, 1652), (16_000, 3, 3966), (5000, 5, 1868), (3000, 40, 2072), (300, 10, 162)];
        for (int seed = 0; seed < letters.Length; seed++)
        {
            Sequence random = new(seed);
            AssertSize(letters[seed].Bytes, new string([.. Enumerable.Range(0, letters[seed].Count).Select(_ => (char)(33 + random.Next(shift: 16, letters[seed].Kinds)))]));
        }
    }

    [Fact]
    public void Letters_may_be_so_unequal_that_codes_get_too_long()
    {
        // As many as Fibonacci's numbers: the deepest trees there are.
        StringBuilder text = new();
        for ((int letter, int count, int next) = ('A', 1, 1); letter < 'A' + 18; (letter, count, next) = (letter + 1, next, count + next))
        {
            text.Append((char)letter, Math.Min(count, 1500));
        }

        AssertSize(71, text.ToString());
    }

    [Fact]
    public void Texts_that_no_window_has_are_left_to_the_library() => Assert.InRange(CompressionRatio.Of(string.Concat(Enumerable.Repeat("thank you ", 2000))), 100, 400);

    private static void AssertSize(int bytes, string text) => Assert.Equal(bytes, Encoding.UTF8.GetByteCount(text) / CompressionRatio.Of(text), 1e-9);

    private static JsonElement Load(params string[] path) =>
        JsonDocument.Parse(File.ReadAllBytes(TestData.Path(["reference", .. path]))).RootElement;

    /// <summary>The same numbers in every language.</summary>
    private sealed class Sequence(int seed)
    {
        private long _state = seed;

        public int Next(int shift, int below)
        {
            _state = ((_state * 1_103_515_245) + 12_345) & 0x7FFF_FFFF;
            return Current(shift, below);
        }

        public int Current(int shift, int below) => (int)((_state >> shift) % below);
    }
}
