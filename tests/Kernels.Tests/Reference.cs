using Xunit;

namespace Handwritten.Kernels.Tests;

/// <summary>The operations as their definitions read, in double precision: what the kernels are compared with.</summary>
internal static class Reference
{
    public static double[] Double(float[] values) => Array.ConvertAll(values, v => (double)v);

    /// <summary>x [rows, inputs] · wᵀ [outputs, inputs] + bias; and for each element the sum of the terms' magnitudes.</summary>
    public static (double[] Y, double[] Magnitude) Product(double[] x, double[] w, float[]? bias, int rows, int inputs, int outputs)
    {
        double[] y = new double[rows * outputs], magnitude = new double[rows * outputs];
        Parallel.For(0, rows, row =>
        {
            for (int o = 0; o < outputs; o++)
            {
                double sum = bias?[o] ?? 0, size = Math.Abs(sum);
                for (int k = 0; k < inputs; k++)
                {
                    double term = x[(row * inputs) + k] * w[(o * inputs) + k];
                    sum += term;
                    size += Math.Abs(term);
                }

                y[(row * outputs) + o] = sum;
                magnitude[(row * outputs) + o] = size;
            }
        });

        return (y, magnitude);
    }

    public static double Gelu(double x) => 0.5 * x * Erfc(-x / Math.Sqrt(2));

    /// <summary>The complementary error function: its power series near zero, its continued fraction in the tails.</summary>
    public static double Erfc(double z)
    {
        double a = Math.Abs(z);
        double tail;
        if (a < 3)
        {
            double term = a, sum = a;
            for (int n = 1; Math.Abs(term) > 1e-20; n++)
            {
                term *= -a * a / n;
                sum += term / ((2 * n) + 1);
            }

            tail = 1 - (2 / Math.Sqrt(Math.PI) * sum);
        }
        else
        {
            double fraction = a;
            for (int n = 60; n > 0; n--)
            {
                fraction = a + (n / 2.0 / fraction);
            }

            tail = Math.Exp(-a * a) / (fraction * Math.Sqrt(Math.PI));
        }

        return z >= 0 ? tail : 2 - tail;
    }

    /// <summary>Softmax attention of one query over keys and values [entries, size], a head cut out of rows with a stride.</summary>
    public static double[] Attend(ReadOnlySpan<double> query, Func<int, int, double> key, Func<int, int, double> value, int entries, int size)
    {
        double[] scores = new double[entries];
        for (int t = 0; t < entries; t++)
        {
            for (int i = 0; i < size; i++)
            {
                scores[t] += query[i] * key(t, i);
            }

            scores[t] /= Math.Sqrt(size);
        }

        double largest = scores.Max(), total = 0;
        double[] y = new double[size];
        for (int t = 0; t < entries; t++)
        {
            double weight = Math.Exp(scores[t] - largest);
            total += weight;
            for (int i = 0; i < size; i++)
            {
                y[i] += weight * value(t, i);
            }
        }

        return Array.ConvertAll(y, v => v / total);
    }

    public static double[] LayerNorm(double[] x, float[] gain, float[] bias, int rows, int width)
    {
        double[] y = new double[rows * width];
        for (int row = 0; row < rows; row++)
        {
            ReadOnlySpan<double> line = x.AsSpan(row * width, width);
            double mean = 0, variance = 0;
            foreach (double v in line)
            {
                mean += v / width;
            }

            foreach (double v in line)
            {
                variance += (v - mean) * (v - mean) / width;
            }

            for (int i = 0; i < width; i++)
            {
                y[(row * width) + i] = ((line[i] - mean) / Math.Sqrt(variance + 1e-5) * gain[i]) + bias[i];
            }
        }

        return y;
    }

    /// <summary>The largest distance between two arrays of the same length.</summary>
    public static double Distance(double[] expected, float[] actual)
    {
        Assert.Equal(expected.Length, actual.Length);
        double largest = 0;
        for (int i = 0; i < expected.Length; i++)
        {
            Assert.False(float.IsNaN(actual[i]), $"element {i} is not a number");
            largest = Math.Max(largest, Math.Abs(expected[i] - actual[i]));
        }

        return largest;
    }
}
