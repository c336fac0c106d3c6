using System.Buffers;
using FsCheck;
using FsCheck.Fluent;
using FsCheck.Xunit;
using Handwritten.Runtime.Audio;
using Xunit;

namespace Handwritten.Runtime.Tests.Audio;

public class ResamplerTests
{
    /// <summary>The usual rates, and some whose table is interpolated.</summary>
    public static TheoryData<int> Rates => [8000, 11025, 12000, 22050, 24000, 32000, 37800, 44100, 48000, 96000, 192000, 7999, 16001, 44101];

    [Theory]
    [MemberData(nameof(Rates))]
    public void The_pass_band_is_flat_and_undelayed(int rate)
    {
        double nyquist = Math.Min(rate, 16000) / 2.0;
        foreach (double part in (double[])[0.003, 0.1, 0.25, 0.4, 0.5, 0.618, 0.75, 0.85, 0.9])
        {
            double frequency = part * nyquist;
            (double gain, double phase, double rest) = Measure(rate, frequency);
            Assert.InRange(Decibels(gain), -0.001, 0.001);
            Assert.InRange(phase, -1e-5, 1e-5);
            Assert.InRange(Decibels(rest), -300, -90);
        }
    }

    [Theory]
    [MemberData(nameof(Rates))]
    public void Nothing_is_mirrored_into_the_output(int rate)
    {
        // From the edge of the pass band up to the input's Nyquist frequency: what is left at other frequencies.
        double narrower = Math.Min(rate, 16000) / 2.0;
        for (int step = 0; step <= 24; step++)
        {
            double frequency = (0.9 * narrower) + (step / 24.0 * ((rate / 2.0 * 0.9999) - (0.9 * narrower)));
            (double gain, _, double rest) = Measure(rate, frequency);
            Assert.InRange(Decibels(rest), -300, -90);
            if (frequency >= narrower)
            {
                Assert.InRange(Decibels(gain), -300, -90);
            }
        }
    }

    [Theory]
    [MemberData(nameof(Rates))]
    public void A_constant_stays_what_it_is(int rate)
    {
        float[] output = Resampler.Resample(Enumerable.Repeat(0.7f, rate).ToArray(), rate);
        Assert.All(output[4000..^4000], sample => Assert.Equal(0.7f, sample, 5e-7f));
    }

    [Theory]
    [MemberData(nameof(Rates))]
    public void An_impulse_comes_out_symmetric_at_its_own_time(int rate)
    {
        // After M input samples, L output samples: the two grids meet there.
        int divisor = (int)System.Numerics.BigInteger.GreatestCommonDivisor(rate, 16000);
        int periods = Math.Max(1, 2000 / (16000 / divisor));
        float[] input = new float[2 * periods * (rate / divisor)];
        input[input.Length / 2] = 1;
        float[] output = Resampler.Resample(input, rate);
        int centre = output.Length / 2;
        Assert.Equal(centre, Array.IndexOf(output, output.Max()));
        for (int i = 1; i < Math.Min(centre, 500); i++)
        {
            Assert.Equal(output[centre - i], output[centre + i], 1e-7f);
        }
    }

    [Fact]
    public void Equal_rates_change_no_bit()
    {
        float[] input = [.. Noise(5000), 0f, 1f, 1e-30f, 1e30f];
        Assert.Equal(input, Resampler.Resample(input, 16000));
        Assert.Equal(input, Resampler.Resample(input, 44100, 44100));
    }

    [Theory]
    [InlineData(48000, 3, 1)]
    [InlineData(48000, 4, 2)]
    [InlineData(44100, 105581, 38307)]
    [InlineData(8000, 7, 14)]
    [InlineData(44101, 44101, 16000)]
    [InlineData(44101, 44102, 16001)]
    [InlineData(44100, 0, 0)]
    [InlineData(192000, 1, 1)]
    public void The_length_is_rounded_up(int rate, int count, int expected) =>
        Assert.Equal(expected, Resampler.Resample(new float[count], rate).Length);

    [Property(MaxTest = 60)]
    public Property Pieces_give_the_same_bits_as_the_whole() => Prop.ForAll(
        Gen.Elements(8000, 11025, 16000, 44100, 44101, 48000, 192000).ToArbitrary(),
        Gen.Choose(1, 9000).NonEmptyListOf().Resize(12).ToArbitrary(),
        (rate, pieces) =>
        {
            float[] input = Noise(pieces.Sum());
            Resampler resampler = new(rate);
            for (int time = 0; time < 2; time++)
            {
                // The second time shows that a finished resampler is as good as a new one.
                ArrayBufferWriter<float> output = new();
                int start = 0;
                foreach (int piece in pieces)
                {
                    resampler.Push(input.AsSpan(start, piece), output);
                    start += piece;
                }

                resampler.Finish(output);
                Assert.Equal((int)(((input.Length * 16000L) + rate - 1) / rate), output.WrittenCount);
                Assert.Equal(Resampler.Resample(input, rate), output.WrittenSpan.ToArray());
            }
        });

    [Fact]
    public void Output_comes_while_input_goes_in()
    {
        // A live microphone of 44.1 kHz: never more than 5 ms behind.
        Resampler resampler = new(44100);
        ArrayBufferWriter<float> output = new();
        for (int pushed = 100; pushed <= 44100; pushed += 100)
        {
            resampler.Push(new float[100], output);
            Assert.InRange((double)output.WrittenCount / 16000, (pushed / 44100.0) - 0.005, pushed / 44100.0);
        }
    }

    [Theory]
    [InlineData(44101)]
    [InlineData(15999)]
    [InlineData(9_999_991)]
    [InlineData(10_000_000)]
    public void Awkward_rates_have_small_filters(int rate)
    {
        long before = GC.GetAllocatedBytesForCurrentThread();
        GC.KeepAlive(new Resampler(rate));
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 4_000_000);
    }

    [Fact]
    public void Rates_must_be_positive()
    {
        Assert.Throws<ArgumentOutOfRangeException>(() => new Resampler(0));
        Assert.Throws<ArgumentOutOfRangeException>(() => new Resampler(16000, -1));
    }

    /// <summary>
    /// Sends one second of a tone through. The middle of the output, without the ends where the tone begins and
    /// stops, is split into the part that is that tone (gain and phase) and the rest (as amplitude), by least squares.
    /// </summary>
    private static (double Gain, double Phase, double Other) Measure(int rate, double frequency)
    {
        float[] input = [.. Enumerable.Range(0, rate).Select(k => (float)Math.Sin(2 * Math.PI * frequency / rate * k))];
        float[] output = Resampler.Resample(input, rate);
        double step = 2 * Math.PI * frequency / 16000;
        int start = 3000, end = output.Length - 3000;
        double ss = 0, cc = 0, sc = 0, ys = 0, yc = 0;
        for (int m = start; m < end; m++)
        {
            (double s, double c) = Math.SinCos(step * m);
            (ss, cc, sc, ys, yc) = (ss + (s * s), cc + (c * c), sc + (s * c), ys + (output[m] * s), yc + (output[m] * c));
        }

        double determinant = (ss * cc) - (sc * sc);
        (double a, double b) = (((ys * cc) - (yc * sc)) / determinant, ((yc * ss) - (ys * sc)) / determinant);
        double rest = 0;
        for (int m = start; m < end; m++)
        {
            (double s, double c) = Math.SinCos(step * m);
            rest += Math.Pow(output[m] - (a * s) - (b * c), 2);
        }

        return (Math.Sqrt((a * a) + (b * b)), Math.Atan2(b, a), Math.Sqrt(2 * rest / (end - start)));
    }

    private static double Decibels(double amplitude) => 20 * Math.Log10(amplitude + 1e-15);

    private static float[] Noise(int count)
    {
        System.Random random = new(count);
        return [.. Enumerable.Range(0, count).Select(_ => (random.NextSingle() * 2) - 1)];
    }
}
