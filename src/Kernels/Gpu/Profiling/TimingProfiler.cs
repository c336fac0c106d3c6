namespace Handwritten.Kernels.Gpu.Profiling;

/// <summary>
/// The profiler of a real GPU: an event before and an event behind every launch, and the device's own clock between the two.
/// A kernel of few microseconds ends before the host has queued the next one, and the wait for the host would count as the
/// kernel's time. So the stream is given something else to do first, until everything is queued:
/// <code>
///     host     fill fill fill ... | e k e e k e e k e ...         (far ahead)
///     device   [ fill ][ fill ][ fill ] ... [ fill ] e[k]e e[k]e e[k]e
/// </code>
/// The time between two events with nothing in between is measured in the same way, and taken off.
/// </summary>
internal sealed class TimingProfiler(GpuDevice device) : GpuProfiler, ILaunchWatch
{
    private const int Runs = 5, FillBytes = 64 << 20;

    private readonly List<(nint Begin, nint End)> _events = []; // made when they are first needed
    private readonly List<string> _launches = [];

    /// <inheritdoc/>
    public override IReadOnlyList<KernelUse> Run(Action work)
    {
        device.Bind();
        Watched(device, this, Restart(work)); // loads the kernels, makes the events, and tells how much there is to queue
        int launches = _launches.Count;
        double empty = Median([.. TimesOf(() =>
        {
            for (int i = 0; i < Math.Min(launches, 100); i++)
            {
                BeforeLaunch();
                AfterLaunch("");
            }
        })]);

        OrderedDictionary<string, (int Launches, List<double> Runs)> kernels = [];
        for (int run = 0; run < Runs; run++)
        {
            double[] times = [.. TimesOf(() => Watched(device, this, work))];
            foreach (var kernel in _launches.Zip(times).GroupBy(launch => launch.First))
            {
                kernels.TryAdd(kernel.Key, (kernel.Count(), []));
                kernels[kernel.Key].Runs.Add(kernel.Sum(launch => Math.Max(0, launch.Second - empty)));
            }
        }

        return [.. kernels.Select(kernel => new KernelUse(kernel.Key, kernel.Value.Launches, null, null, Median(kernel.Value.Runs), new Dictionary<string, KernelFloor>()))];
    }

    /// <inheritdoc/>
    public void BeforeLaunch()
    {
        if (_events.Count == _launches.Count)
        {
            CudaDriver.Check(CudaDriver.CreateEvent(out nint begin, 0), "cuEventCreate");
            CudaDriver.Check(CudaDriver.CreateEvent(out nint end, 0), "cuEventCreate");
            _events.Add((begin, end));
        }

        CudaDriver.Check(CudaDriver.RecordEvent(_events[_launches.Count].Begin, device.Stream.StreamPtr), "cuEventRecord");
    }

    /// <inheritdoc/>
    public void AfterLaunch(string kernel)
    {
        CudaDriver.Check(CudaDriver.RecordEvent(_events[_launches.Count].End, device.Stream.StreamPtr), "cuEventRecord");
        _launches.Add(kernel);
    }

    /// <inheritdoc/>
    private protected override void Dispose(bool disposing)
    {
        device.Bind();
        foreach ((nint begin, nint end) in _events)
        {
            _ = CudaDriver.DestroyEvent(begin);
            _ = CudaDriver.DestroyEvent(end);
        }

        _events.Clear();
        base.Dispose(disposing);
    }

    private Action Restart(Action work) => () =>
    {
        _launches.Clear();
        work();
    };

    /// <summary>
    /// Microseconds of each launch, with the stream kept busy until all are queued: a fill takes longer than to queue a
    /// launch.
    /// </summary>
    private List<double> TimesOf(Action work)
    {
        int count = _launches.Count;
        device.Synchronize();
        using (GpuAllocation memory = device.Memory.Allocate(FillBytes, "profiler"))
        {
            for (int i = 0; i < count; i++)
            {
                CudaDriver.Check(CudaDriver.Fill(memory.Address, 0, FillBytes, device.Stream.StreamPtr), "cuMemsetD8Async");
            }

            Restart(work)();
            device.Synchronize();
        }

        List<double> times = [];
        for (int i = 0; i < _launches.Count; i++)
        {
            CudaDriver.Check(CudaDriver.ElapsedMilliseconds(out float milliseconds, _events[i].Begin, _events[i].End), "cuEventElapsedTime");
            times.Add(milliseconds * 1e3);
        }

        return times;
    }

    private static double Median(List<double> values)
    {
        values.Sort();
        return values.Count == 0 ? 0 : values[values.Count / 2];
    }
}
