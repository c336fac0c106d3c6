using System.Runtime.InteropServices;
using Handwritten.Kernels;
using Handwritten.Model.Safetensors;
using Handwritten.Tests;

namespace Handwritten.Runtime.Tests.VoiceActivity;

/// <summary>
/// The network as its formulas have it: one window after the other, one number after the other, in double precision.
/// </summary>
internal sealed class PlainSileroVad
{
    private readonly Dictionary<string, float[]> _weights = [];

    public PlainSileroVad()
    {
        using SafetensorsFile file = new(TestData.Weights("silero-vad", "model.safetensors"));
        foreach (string name in file.Names)
        {
            using HostTensor tensor = file.Open(name);
            _weights[name] = MemoryMarshal.Cast<byte, float>(tensor.Bytes).ToArray();
        }
    }

    public double[] Probabilities(float[] samples)
    {
        double[] cell = new double[128], hidden = new double[128], result = new double[(samples.Length / 512) + 1];
        for (int window = 0; window < result.Length; window++)
        {
            double[] input = [.. Enumerable.Range((window * 512) - 64, 576).Select(i => i >= 0 && i < samples.Length ? samples[i] : 0.0)];
            double[] padded = [.. input, .. input.Reverse().Skip(1).Take(64)];
            double[] x = Convolve(Convolve(Convolve(Convolve(Magnitudes(padded), 0, 129, 4, 1), 1, 128, 4, 2), 2, 64, 2, 2), 3, 64, 1, 1);
            double[] gates = [.. Affine(x, "ih").Zip(Affine(hidden, "hh"), (a, b) => a + b)];
            double logit = _weights["decoder.conv1d.bias"][0];
            for (int i = 0; i < 128; i++)
            {
                cell[i] = (Sigmoid(gates[128 + i]) * cell[i]) + (Sigmoid(gates[i]) * Math.Tanh(gates[256 + i]));
                hidden[i] = Sigmoid(gates[384 + i]) * Math.Tanh(cell[i]);
                logit += Math.Max(0, hidden[i]) * _weights["decoder.conv1d.weight"][i];
            }

            result[window] = Sigmoid(logit);
        }

        return result;
    }

    // [4, 129]
    private double[] Magnitudes(double[] padded)
    {
        float[] basis = _weights["stft.forward_basis_buffer"];
        double[] magnitudes = new double[4 * 129];
        for (int i = 0; i < magnitudes.Length; i++)
        {
            (int frame, int bin) = (i / 129, i % 129);
            double real = 0, imaginary = 0;
            for (int k = 0; k < 256; k++)
            {
                real += padded[(frame * 128) + k] * basis[(bin * 256) + k];
                imaginary += padded[(frame * 128) + k] * basis[((bin + 129) * 256) + k];
            }

            magnitudes[i] = Math.Sqrt((real * real) + (imaginary * imaginary));
        }

        return magnitudes;
    }

    // [frames, channels] -> [frames / stride, outputs]
    private double[] Convolve(double[] x, int layer, int channels, int frames, int stride)
    {
        float[] weight = _weights[$"encoder.{layer}.weight"], bias = _weights[$"encoder.{layer}.bias"];
        double[] y = new double[frames / stride * bias.Length];
        for (int i = 0; i < y.Length; i++)
        {
            (int to, int output) = (i / bias.Length, i % bias.Length);
            double sum = bias[output];
            for (int tap = 0; tap < 3; tap++)
            {
                int from = (to * stride) + tap - 1;
                for (int channel = 0; channel < channels && from >= 0 && from < frames; channel++)
                {
                    sum += weight[(((output * channels) + channel) * 3) + tap] * x[(from * channels) + channel];
                }
            }

            y[i] = Math.Max(0, sum);
        }

        return y;
    }

    private double[] Affine(double[] x, string name)
    {
        float[] weight = _weights[$"decoder.rnn.weight_{name}"], bias = _weights[$"decoder.rnn.bias_{name}"];
        double[] y = new double[bias.Length];
        for (int output = 0; output < y.Length; output++)
        {
            y[output] = bias[output];
            for (int i = 0; i < x.Length; i++)
            {
                y[output] += weight[(output * x.Length) + i] * x[i];
            }
        }

        return y;
    }

    private static double Sigmoid(double x) => 1 / (1 + Math.Exp(-x));
}
