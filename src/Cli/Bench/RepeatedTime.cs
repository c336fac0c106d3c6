using System.Diagnostics;
using Handwritten.Kernels;
using Handwritten.Kernels.Gpu;

namespace Handwritten.Cli.Bench;

/// <summary>
/// Times operations that end within microseconds. Each is recorded many times over, as one pass, so that on a GPU the time
/// is the kernels' and not that of the host which launches them.
/// </summary>
internal static class RepeatedTime
{
    private const double EnoughMilliseconds = 5;
    private const int Runs = 3, MostRepeats = 400;

    /// <summary>Milliseconds of one run, the median of a few.</summary>
    /// <param name="kernels">Where it runs.</param>
    /// <param name="operation">The operation; it is told how many times it has been asked for before.</param>
    /// <param name="repeats">How many in a pass; null for as many as make the pass long enough to time.</param>
    public static double Milliseconds(IKernels kernels, Action<int> operation, int? repeats = null)
    {
        operation(0);
        double one = Time(() => operation(0));
        int count = repeats ?? (int)Math.Clamp(EnoughMilliseconds / one, 1, MostRepeats);
        using IRecordedPass pass = kernels.Record(() =>
        {
            for (int i = 0; i < count; i++)
            {
                operation(i);
            }
        });
        pass.Run();
        int runs = CudaLibrary.IsEmulated ? 1 : Runs; // the emulator's time says nothing anyway
        return Enumerable.Range(0, runs).Select(_ => Time(pass.Run)).Order().ElementAt(runs / 2) / count;

        double Time(Action action)
        {
            kernels.Synchronize();
            long start = Stopwatch.GetTimestamp();
            action();
            kernels.Synchronize();
            return Stopwatch.GetElapsedTime(start).TotalMilliseconds;
        }
    }
}
