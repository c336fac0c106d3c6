using System.Text.Json;

namespace Handwritten.Model.Parity;

/// <summary>
/// What the original computed for one activation: every element, or a summary of them where the whole would be too
/// large to keep.
/// </summary>
/// <param name="shape">Dimensions, outermost first.</param>
public abstract class ReferenceTensor(int[] shape)
{
    /// <summary>Dimensions, outermost first.</summary>
    public int[] Shape { get; } = shape;

    /// <summary>
    /// How far values are from the reference: ‖values − reference‖₂ / ‖reference‖₂, over what the reference holds.
    /// </summary>
    /// <param name="values">All elements, row-major.</param>
    public abstract double RelativeError(ReadOnlySpan<float> values);

    /// <summary>‖a − b‖₂ / ‖b‖₂ in double precision.</summary>
    protected static double RelativeL2(ReadOnlySpan<float> a, ReadOnlySpan<float> b)
    {
        double difference = 0, norm = 0;
        for (int i = 0; i < b.Length; i++)
        {
            double d = (double)a[i] - b[i];
            difference += d * d;
            norm += (double)b[i] * b[i];
        }

        return Math.Sqrt(difference / norm);
    }
}

/// <summary>A reference that holds every element.</summary>
/// <param name="shape">Dimensions, outermost first.</param>
/// <param name="values">All elements, row-major.</param>
public sealed class FullReference(int[] shape, float[] values) : ReferenceTensor(shape)
{
    /// <summary>All elements, row-major.</summary>
    public ReadOnlySpan<float> Values => values;

    /// <inheritdoc/>
    public override double RelativeError(ReadOnlySpan<float> values) => RelativeL2(values, Values);
}

/// <summary>
/// A reference that holds a few elements, evenly spread, and statistics over all: mean, standard deviation, smallest,
/// largest and norm. The error is the worst of the samples' relative L2 and of the statistics' deviations, each
/// relative to the root mean square.
/// </summary>
public sealed class SummaryReference : ReferenceTensor
{
    private readonly float[] _samples;
    private readonly double _mean, _deviation, _norm, _min, _max;

    /// <summary>Reads the summary from its JSON form.</summary>
    public SummaryReference(JsonElement summary)
        : base([.. summary.GetProperty("shape").EnumerateArray().Select(dimension => dimension.GetInt32())])
    {
        _samples = [.. summary.GetProperty("samples").EnumerateArray().Select(sample => sample.GetSingle())];
        _mean = summary.GetProperty("mean").GetDouble();
        _deviation = summary.GetProperty("std").GetDouble();
        _norm = summary.GetProperty("l2").GetDouble();
        _min = summary.GetProperty("min").GetDouble();
        _max = summary.GetProperty("max").GetDouble();
    }

    /// <inheritdoc/>
    public override double RelativeError(ReadOnlySpan<float> values)
    {
        double sum = 0, squares = 0, min = double.PositiveInfinity, max = double.NegativeInfinity;
        foreach (float value in values)
        {
            sum += value;
            squares += (double)value * value;
            min = Math.Min(min, value);
            max = Math.Max(max, value);
        }

        double mean = sum / values.Length;
        double deviation = Math.Sqrt(Math.Max(0, (squares / values.Length) - (mean * mean)));
        double rms = _norm / Math.Sqrt(values.Length);
        double[] errors =
        [
            RelativeL2(Sampled(values), _samples),
            Math.Abs(mean - _mean) / rms,
            Math.Abs(deviation - _deviation) / rms,
            Math.Abs(Math.Sqrt(squares) - _norm) / _norm,

            // Single elements carry more rounding than a norm: the largest ones are held to their own size.
            Math.Abs(min - _min) / Math.Max(rms, Math.Abs(_min)),
            Math.Abs(max - _max) / Math.Max(rms, Math.Abs(_max)),
        ];
        return errors.Max();
    }

    private float[] Sampled(ReadOnlySpan<float> values)
    {
        float[] sampled = new float[_samples.Length];
        for (int k = 0; k < sampled.Length; k++)
        {
            sampled[k] = values.Length <= sampled.Length ? values[k] : values[(int)((long)k * (values.Length - 1) / (sampled.Length - 1))];
        }

        return sampled;
    }
}
