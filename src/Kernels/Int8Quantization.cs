using System.Numerics;

namespace Handwritten.Kernels;

/// <summary>
/// Weights as 8-bit integers: each row of a matrix, which makes one output, has a scale of its own.
/// <code>
///     scale = max |w| / 127          q = round(w / scale), −127 .. 127          w ≈ q · scale, wrong by scale / 2 at most
///
///     y = Σ w x ≈ scale · Σ q x      the sum is made with q, as a float of the compute type, which holds it exactly; the
///                                    scale comes once, behind the sum
/// </code>
/// Symmetric, without a zero point: 0 stays 0, and the sum of x is not needed beside the product. Activations are not
/// quantised: a decoding step is bound by the bytes of the weights, not by the multiplications.
/// </summary>
internal static class Int8Quantization
{
    /// <summary>The largest code. −128 is not used: a row and its negative have the same scale.</summary>
    public const int LargestCode = 127;

    /// <summary>
    /// How far activations of a Whisper model may be from float32's by this alone, as relative L2 error. From the demo model to
    /// large-v3 they are up to 1.7e-2.
    /// </summary>
    public const double Tolerance = 3e-2;

    private const float Rounder = 12582912f; // 1.5 · 2²³: adding it rounds a float below 2²² to the nearest integer, ties to even

    /// <summary>Quantises a row.</summary>
    /// <param name="row">The weights.</param>
    /// <param name="codes">Receives as many codes.</param>
    /// <returns>The scale; 0 for a row of zeros. Infinity or NaN, and no codes, if a weight is.</returns>
    public static float Quantize(ReadOnlySpan<float> row, Span<sbyte> codes)
    {
        float largest = LargestMagnitude(row), scale = largest / LargestCode;
        if (!float.IsFinite(largest))
        {
            return largest;
        }

        if (scale == 0)
        {
            codes.Clear();
            return 0;
        }

        int done = 0, step = Vector<float>.Count;
        for (; done <= row.Length - (4 * step); done += 4 * step)
        {
            Vector<short> low = Vector.Narrow(Codes(row[done..], scale), Codes(row[(done + step)..], scale));
            Vector<short> high = Vector.Narrow(Codes(row[(done + (2 * step))..], scale), Codes(row[(done + (3 * step))..], scale));
            Vector.Narrow(low, high).CopyTo(codes[done..]);
        }

        for (; done < row.Length; done++)
        {
            codes[done] = (sbyte)MathF.Round(Math.Clamp(row[done] / scale, -LargestCode, LargestCode));
        }

        return scale;
    }

    /// <summary>
    /// Max |w|; infinity or NaN if one of them is. Floats without their signs are in the order of their bits, and NaN is above
    /// all of them.
    /// </summary>
    private static float LargestMagnitude(ReadOnlySpan<float> row)
    {
        Vector<int> largest = Vector<int>.Zero, magnitude = new(int.MaxValue);
        int done = 0, step = Vector<float>.Count, bits = 0;
        for (; done <= row.Length - step; done += step)
        {
            largest = Vector.Max(largest, new Vector<float>(row[done..]).As<float, int>() & magnitude);
        }

        for (; done < row.Length; done++)
        {
            bits = Math.Max(bits, BitConverter.SingleToInt32Bits(row[done]) & int.MaxValue);
        }

        for (int lane = 0; lane < step; lane++)
        {
            bits = Math.Max(bits, largest[lane]);
        }

        return BitConverter.Int32BitsToSingle(bits);
    }

    /// <summary>The bounds matter where the scale is so small that it has lost digits.</summary>
    private static Vector<int> Codes(ReadOnlySpan<float> weights, float scale)
    {
        Vector<float> bound = new(LargestCode), rounder = new(Rounder);
        Vector<float> code = Vector.Min(Vector.Max(new Vector<float>(weights) / new Vector<float>(scale), -bound), bound);
        return Vector.ConvertToInt32(code + rounder - rounder);
    }
}
