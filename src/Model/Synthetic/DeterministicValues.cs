using System.Numerics;
using System.Text;

namespace Handwritten.Model.Synthetic;

// Numbers for tests that any language can make again from a name, so that reference data need not carry gigabytes of
// weights. A stream of 64-bit numbers is SplitMix64 seeded with the FNV-1a hash of the name:
//
//     h[i] = mix(fnv1a64(name) + i · γ)           mix: add γ, then twice "fold down, multiply", then fold down
//     u[i] = (h[i] >> 40) / 2^24                  24 bits: exact in float32 already
//     value[i] = float32(offset + (2 u[i] − 1) · scale)     in float64, rounded once at the end
//
// Number i depends on nothing but i, so any part of a stream can be made anywhere, in any order and by many lanes at
// once. (No fused multiply-add below: it would round once where the definition rounds twice.)

/// <summary>Reproducible numbers in [offset − scale, offset + scale), uniformly distributed, by name and index.</summary>
public static class DeterministicValues
{
    private const ulong Gamma = 0x9E3779B97F4A7C15;
    private const int UnusedBits = 40;
    private const double Unit = 1.0 / (1 << 23);

    /// <summary>The 64-bit FNV-1a hash of a name's UTF-8 bytes: the seed of its stream.</summary>
    public static ulong Seed(string name)
    {
        ulong hash = 0xCBF29CE484222325;
        foreach (byte b in Encoding.UTF8.GetBytes(name))
        {
            hash = (hash ^ b) * 0x100000001B3;
        }

        return hash;
    }

    /// <summary>Number <paramref name="index"/> of a stream, all 64 bits.</summary>
    public static ulong Bits(string name, long index) => Mix(Seed(name) + ((ulong)index * Gamma));

    /// <summary>Number <paramref name="index"/> of a stream as a value; by default in [−1, 1).</summary>
    public static float Value(string name, long index, double scale = 1, double offset = 0) => Scaled(Bits(name, index), scale, offset);

    /// <summary>The values from number <paramref name="first"/> on.</summary>
    public static void Fill(Span<float> values, string name, double scale = 1, double offset = 0, long first = 0)
    {
        int lanes = Vector<ulong>.Count;
        ulong state = Seed(name) + ((ulong)first * Gamma);
        Vector<ulong> states = new Vector<ulong>(state) + (Vector<ulong>.Indices * Gamma);
        Vector<ulong> step = new((ulong)lanes * Gamma);
        int i = 0;
        for (; i <= values.Length - (2 * lanes); i += 2 * lanes)
        {
            Vector<double> low = Scaled(Mix(states), scale, offset);
            Vector<double> high = Scaled(Mix(states + step), scale, offset);
            Vector.Narrow(low, high).CopyTo(values[i..]);
            states += step + step;
        }

        for (; i < values.Length; i++)
        {
            values[i] = Scaled(Mix(state + ((ulong)i * Gamma)), scale, offset);
        }
    }

    private static ulong Mix(ulong x)
    {
        ulong z = x + Gamma;
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
        return z ^ (z >> 31);
    }

    private static Vector<ulong> Mix(Vector<ulong> x)
    {
        Vector<ulong> z = x + new Vector<ulong>(Gamma);
        z = (z ^ (z >>> 30)) * 0xBF58476D1CE4E5B9;
        z = (z ^ (z >>> 27)) * 0x94D049BB133111EB;
        return z ^ (z >>> 31);
    }

    private static float Scaled(ulong bits, double scale, double offset) =>
        (float)(offset + ((((long)(bits >> UnusedBits) * Unit) - 1) * scale));

    private static Vector<double> Scaled(Vector<ulong> bits, double scale, double offset)
    {
        Vector<double> integers = Vector.ConvertToDouble((bits >>> UnusedBits).As<ulong, long>());
        return new Vector<double>(offset) + (((integers * Unit) - Vector<double>.One) * scale);
    }
}
