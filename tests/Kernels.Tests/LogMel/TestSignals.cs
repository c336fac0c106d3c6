using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
using Handwritten.Tests;

namespace Handwritten.Kernels.Tests.LogMel;

/// <summary>The signals of the reference data; their definitions are in tests/data/reference/README.md.</summary>
internal static class TestSignals
{
    private static readonly Lazy<short[]> Stress = new(() => Chirps(180, "frontend.stress"));
    private static readonly Lazy<short[]> Speech = new(() => ReadWav(TestData.Path("audio", "jfk.wav")));

    /// <summary>The 16-bit samples of a case of frontend.json.</summary>
    public static short[] Named(string name) => name switch
    {
        "jfk_whole_file" => Speech.Value,
        "stress_180s" => Stress.Value,
        "stress_second_half_alone" => Stress.Value[(90 * 16000)..],
        "silence_5s" => new short[80000],
        "impulse" => Impulse(),
        "odd_length" or "no_padding" => Stress.Value[..40123],
        "very_short" => Stress.Value[..57],
        "nyquist_full_scale" => [.. Enumerable.Range(0, 32000).Select(i => i % 2 == 0 ? short.MaxValue : short.MinValue)],
        _ => throw new ArgumentException($"There is no signal '{name}'.", nameof(name)),
    };

    public static float[] ToFloat(short[] samples) => Array.ConvertAll(samples, sample => sample / 32768f);

    public static string Sha256(short[] samples)
    {
        byte[] bytes = new byte[2 * samples.Length];
        for (int i = 0; i < samples.Length; i++)
        {
            BinaryPrimitives.WriteInt16LittleEndian(bytes.AsSpan(2 * i), samples[i]);
        }

        return Convert.ToHexStringLower(SHA256.HashData(bytes));
    }

    /// <summary>The number generator of the reference data, uniform in [−1, 1).</summary>
    public static float Value(string name, long index)
    {
        ulong seed = 0xCBF29CE484222325;
        foreach (byte b in Encoding.UTF8.GetBytes(name))
        {
            seed = (seed ^ b) * 0x100000001B3;
        }

        ulong z = seed + ((ulong)index * 0x9E3779B97F4A7C15) + 0x9E3779B97F4A7C15;
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
        z ^= z >> 31;
        return (float)(((z >> 40) / 16777216.0 * 2) - 1);
    }

    private static short[] Chirps(int seconds, string key)
    {
        short[] samples = new short[seconds * 16000];
        for (int i = 0; i < samples.Length; i++)
        {
            int second = i / 16000;
            double local = (i / 16000.0) - second;
            double low = 100 + (37 * (second % 16));
            double high = 300 + (211 * (second % 31));
            double phase = 2 * Math.PI * ((low * local) + ((high - low) * local * local / 2));
            double x = (0.05 + (0.045 * (second % 7))) * Math.Sin(phase);
            x += 0.002 * (second % 5) * Value(key, i);
            x = second % 13 == 12 ? 0 : x;
            x = 2 * second >= seconds ? x * 0.02 : x;
            samples[i] = (short)Math.Round(x * 32767, MidpointRounding.ToEven);
        }

        return samples;
    }

    private static short[] Impulse()
    {
        short[] samples = new short[48000];
        samples[12345] = short.MaxValue;
        return samples;
    }

    private static short[] ReadWav(string path)
    {
        byte[] file = File.ReadAllBytes(path);
        int at = 12;
        while (!file.AsSpan(at, 4).SequenceEqual("data"u8))
        {
            at += 8 + BinaryPrimitives.ReadInt32LittleEndian(file.AsSpan(at + 4));
        }

        short[] samples = new short[BinaryPrimitives.ReadInt32LittleEndian(file.AsSpan(at + 4)) / 2];
        for (int i = 0; i < samples.Length; i++)
        {
            samples[i] = BinaryPrimitives.ReadInt16LittleEndian(file.AsSpan(at + 8 + (2 * i)));
        }

        return samples;
    }
}
