using System.Numerics;
using System.Text.Json;
using Handwritten.Kernels.Cpu;
using Handwritten.Tests;
using Xunit;

namespace Handwritten.Kernels.Tests.LogMel;

public class LogMelSpectrogramTests
{
    private static readonly JsonElement Cases =
        JsonDocument.Parse(File.ReadAllBytes(TestData.Path("reference", "frontend", "frontend.json"))).RootElement;

    private static readonly Dictionary<int, LogMelSpectrogram> Transforms =
        new[] { 80, 128 }.ToDictionary(mels => mels, mels => new LogMelSpectrogram(ReferenceTensor.Read("mel_filters.safetensors", $"mel_{mels}")));

    public static TheoryData<string> CaseNames => [.. Cases.EnumerateObject().Select(property => property.Name)];

    [Theory]
    [MemberData(nameof(CaseNames))]
    public void Agrees_with_the_original(string name)
    {
        JsonElement expected = Cases.GetProperty(name);
        int split = name.LastIndexOf('_');
        int mels = int.Parse(name[(split + 1)..]);
        short[] signal = TestSignals.Named(name[..split]);
        if (expected.TryGetProperty("signal_sha256", out JsonElement hash))
        {
            Assert.Equal(hash.GetString(), TestSignals.Sha256(signal));
        }

        float[] actual = ChannelsFirst(Transforms[mels].Compute(TestSignals.ToFloat(signal), expected.GetProperty("padding").GetInt32()), mels);

        int frames = expected.GetProperty("shape")[1].GetInt32();
        Assert.Equal(mels, expected.GetProperty("shape")[0].GetInt32());
        Assert.Equal(mels * frames, actual.Length);

        float[] samples = [.. expected.GetProperty("samples").EnumerateArray().Select(value => value.GetSingle())];
        AssertClose(samples, [.. samples.Select((_, k) => actual[(long)k * (actual.Length - 1) / (samples.Length - 1)])]);

        float floor = expected.GetProperty("floor").GetSingle();
        float smallest = actual.Min();
        Assert.Equal(floor, smallest, 5e-6f);
        Assert.Equal(expected.GetProperty("max").GetSingle(), actual.Max(), 5e-6f);
        Assert.Equal(expected.GetProperty("mean").GetDouble(), actual.Average(value => (double)value), 5e-6);
        Assert.Equal(expected.GetProperty("l2").GetDouble(), Math.Sqrt(actual.Sum(value => (double)value * value)), 5e-6 * Math.Sqrt(actual.Length));

        // What lies within rounding of the floor may fall to either side of it.
        int atFloor = actual.Count(value => value == smallest);
        Assert.InRange(Math.Abs(atFloor - expected.GetProperty("at_floor").GetInt32()), 0, 1e-5 * actual.Length);

        double[] sums = [.. expected.GetProperty("sum_per_mel_bin").EnumerateArray().Select(value => value.GetDouble())];
        for (int mel = 0; mel < mels; mel++)
        {
            Assert.Equal(sums[mel], actual.Skip(mel * frames).Take(frames).Sum(value => (double)value), 5e-6 * frames);
        }
    }

    [Theory]
    [InlineData(80)]
    [InlineData(128)]
    public void Agrees_with_the_original_in_every_element(int mels)
    {
        float[] samples = TestSignals.ToFloat(TestSignals.Named("jfk_whole_file"));
        float[] actual = Transforms[mels].Compute(samples, 480000 - samples.Length);
        AssertClose(ReferenceTensor.Read("jfk.safetensors", $"log_mel_{mels}"), ChannelsFirst(actual, mels));
    }

    [Fact]
    public void The_clip_is_the_one_the_original_heard()
    {
        float[] expected = ReferenceTensor.Read("jfk.safetensors", "jfk_samples_first_4000");
        Assert.Equal(expected, TestSignals.ToFloat(TestSignals.Named("jfk_whole_file"))[..4000]);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(7)]
    [InlineData(64)]
    [InlineData(1000)]
    public void Is_the_same_to_the_last_bit_however_the_frames_are_divided(int framesAtOnce)
    {
        float[] samples = TestSignals.ToFloat(TestSignals.Named("odd_length"));
        LogMelSpectrogram transform = Transforms[80];
        float[] whole = transform.Compute(samples, 500);

        float[] parts = new float[whole.Length];
        float largest = float.NegativeInfinity;
        Vector<double>[] work = new Vector<double>[LogMelSpectrogram.WorkSize];
        Array.Fill(work, new Vector<double>(double.NaN));
        for (int at = 0; at < parts.Length; at += framesAtOnce * 80)
        {
            Span<float> part = parts.AsSpan(at, Math.Min(framesAtOnce * 80, parts.Length - at));
            largest = Math.Max(largest, transform.LogFrames(samples, 500, at / 80, part, work));
        }

        for (int at = 0; at < parts.Length; at += 999)
        {
            LogMelSpectrogram.Normalize(parts.AsSpan(at, Math.Min(999, parts.Length - at)), largest);
        }

        Assert.Equal(whole, parts);
    }

    [Fact]
    public void Silence_is_exactly_the_smallest_power_beside_faint_sound_too()
    {
        // So faint that the floor lies below the smallest power: log10(1e-10) = −10, and (−10 + 4) / 4 = −1.5.
        float[] samples = new float[16000];
        samples[8000] = 1e-3f;
        float[] actual = Transforms[80].Compute(samples, 0);
        int[] heard = [.. Enumerable.Range(0, 100).Where(frame => actual.AsSpan(frame * 80, 80).ContainsAnyExcept(-1.5f))];
        Assert.Equal([49, 50, 51], heard);
    }

    [Theory]
    [InlineData(0, 0)]
    [InlineData(57, 143)]
    [InlineData(200, 0)]
    public void Refuses_what_is_too_short_to_be_mirrored(int samples, int padding)
    {
        ArgumentException exception = Assert.Throws<ArgumentException>(() => Transforms[80].Compute(new float[samples], padding));
        Assert.Contains($"more than 200 samples, padding included, but got {samples + padding};", exception.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(0, 480000, 3000)]
    [InlineData(201, 0, 1)]
    [InlineData(319, 0, 1)]
    [InlineData(320, 0, 2)]
    public void Counts_a_frame_for_every_full_hop(int samples, int padding, int frames)
    {
        float[] actual = Transforms[128].Compute(new float[samples], padding);
        Assert.Equal(frames * 128, actual.Length);
        Assert.All(actual, value => Assert.Equal(-1.5f, value));
    }

    [Theory]
    [InlineData(201)]
    [InlineData(333)]
    [InlineData(1000)]
    public void Mirrors_at_both_ends(int length)
    {
        // Against the definition, by a plain sum, in all frames of a short signal: 201 samples is the shortest there is.
        float[] samples = [.. Enumerable.Range(0, length).Select(i => TestSignals.Value("mirror", i))];
        float[] filters = ReferenceTensor.Read("mel_filters.safetensors", "mel_80");
        float[] actual = Transforms[80].Compute(samples, 0);
        double[] expected = Definition(samples, filters, length / 160);
        Assert.Equal(expected.Length, actual.Length);
        for (int i = 0; i < expected.Length; i++)
        {
            Assert.Equal(expected[i], actual[i], 1e-6);
        }
    }

    private static double[] Definition(float[] samples, float[] filters, int frames)
    {
        double[] logs = new double[frames * 80];
        for (int frame = 0; frame < frames; frame++)
        {
            for (int k = 0; k <= 200; k++)
            {
                Complex sum = 0;
                for (int n = 0; n < 400; n++)
                {
                    int at = Math.Abs((160 * frame) + n - 200);
                    at = at < samples.Length ? at : (2 * (samples.Length - 1)) - at;
                    double hann = 0.5 - (0.5 * Math.Cos(2 * Math.PI * n / 400));
                    sum += hann * samples[at] * Complex.FromPolarCoordinates(1, -2 * Math.PI * (k * n % 400) / 400);
                }

                for (int mel = 0; mel < 80; mel++)
                {
                    logs[(frame * 80) + mel] += filters[(mel * 201) + k] * ((sum.Real * sum.Real) + (sum.Imaginary * sum.Imaginary));
                }
            }
        }

        logs = Array.ConvertAll(logs, power => Math.Log10(Math.Max(power, 1e-10)));
        double largest = logs.Max();
        return Array.ConvertAll(logs, log => (Math.Max(log, largest - 8) + 4) / 4);
    }

    private static float[] ChannelsFirst(float[] values, int mels)
    {
        int frames = values.Length / mels;
        float[] result = new float[values.Length];
        for (int i = 0; i < values.Length; i++)
        {
            result[(i % mels * frames) + (i / mels)] = values[i];
        }

        return result;
    }

    // The original computes in float32; its own distance from float64 is 5e-5 at most and 9e-7 on average.
    private static void AssertClose(float[] expected, float[] actual)
    {
        Assert.Equal(expected.Length, actual.Length);
        double[] differences = [.. expected.Zip(actual, (x, y) => (double)Math.Abs(x - y))];
        Assert.InRange(differences.Max(), 0, 1e-4);
        Assert.InRange(Math.Sqrt(differences.Average(difference => difference * difference)), 0, 5e-6);
    }
}
