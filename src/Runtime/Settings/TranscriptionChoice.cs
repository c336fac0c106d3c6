using Handwritten.Runtime.Transcription;

namespace Handwritten.Runtime.Settings;

/// <summary>
/// How to transcribe, as people choose it: a first temperature and how it rises, where <see cref="TranscriptionOptions"/> has the
/// temperatures one by one.
/// </summary>
public sealed record TranscriptionChoice
{
    /// <summary>More attempts at a window than that are a slip of the finger.</summary>
    private const int MostTemperatures = 100;

    /// <summary>Everything but the temperatures.</summary>
    public TranscriptionOptions Options { get; init; } = new();

    /// <summary>The temperature of the first attempt at a window.</summary>
    public double Temperature { get; init; }

    /// <summary>How much higher the temperature of each further attempt is, up to 1; null for one attempt.</summary>
    public double? TemperatureIncrement { get; init; } = 0.2;

    /// <summary>
    /// As numpy.arange has them, to the last bit, since that is what files show: 0.6000000000000001 is the fourth from 0. It
    /// goes on by the difference of the first two, which is rounded to where they lie: 0.8999999999999999 is the third from 0.5.
    /// </summary>
    public IReadOnlyList<double> Temperatures
    {
        get
        {
            if (TemperatureIncrement is not double increment || Temperature > 1)
            {
                return [Temperature];
            }

            double second = Temperature + increment, difference = second - Temperature;
            int count = (int)Math.Min(MostTemperatures, Math.Ceiling((1 + 1e-6 - Temperature) / increment));
            return [.. Enumerable.Range(0, count).Select(i => i == 1 ? second : Temperature + (i * difference))];
        }
    }

    /// <summary>The options with the temperatures.</summary>
    public TranscriptionOptions ToOptions() => Options with { Temperatures = Temperatures };
}
