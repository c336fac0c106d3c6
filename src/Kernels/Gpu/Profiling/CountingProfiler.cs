using System.Text.Json;

namespace Handwritten.Kernels.Gpu.Profiling;

/// <summary>
/// The profiler of the emulated driver, which counts what a kernel does, exactly, and knows the least time that a card would
/// take for it. Every launch is counted by itself: a card's floor is a launch's, and launches of one kernel may have
/// different walls. The one that most of the time is lost to is named.
/// </summary>
internal sealed class CountingProfiler(GpuDevice device) : GpuProfiler, ILaunchWatch
{
    private readonly EmulatorCounts _counts = new();
    private readonly OrderedDictionary<string, Sum> _kernels = [];

    /// <inheritdoc/>
    public override IReadOnlyList<KernelUse> Run(Action work)
    {
        _kernels.Clear();
        Watched(device, this, work);
        return [.. _kernels.Select(kernel => kernel.Value.Use(kernel.Key))];
    }

    /// <inheritdoc/>
    public void BeforeLaunch() => _counts.Reset();

    /// <inheritdoc/>
    public void AfterLaunch(string kernel)
    {
        using JsonDocument profile = _counts.Read();
        JsonElement launch = profile.RootElement.GetProperty("kernels")[0];
        if (!_kernels.TryGetValue(kernel, out Sum? sum))
        {
            _kernels.Add(kernel, sum = new Sum());
        }

        sum.Add(launch);
    }

    /// <summary>All launches of a kernel.</summary>
    private sealed class Sum
    {
        private readonly Dictionary<string, Dictionary<string, double>> _walls = []; // microseconds by card and wall
        private int _launches;
        private long _bytes, _flops;

        public void Add(JsonElement launch)
        {
            _launches++;
            _bytes += launch.GetProperty("globalUniqueBytes").GetInt64();
            _flops += launch.EnumerateObject().Where(counter => counter.Name.EndsWith("Flops", StringComparison.Ordinal)).Sum(counter => counter.Value.GetInt64());
            foreach (JsonProperty card in launch.GetProperty("floors").EnumerateObject())
            {
                Dictionary<string, double> walls = _walls.TryGetValue(card.Name, out Dictionary<string, double>? known) ? known : _walls[card.Name] = [];
                string wall = card.Value.GetProperty("wall").GetString()!;
                walls[wall] = walls.GetValueOrDefault(wall) + card.Value.GetProperty("microseconds").GetDouble();
            }
        }

        public KernelUse Use(string kernel) => new(kernel, _launches, _bytes, _flops, null, _walls.ToDictionary(
            card => card.Key,
            card => new KernelFloor(card.Value.Values.Sum(), card.Value.MaxBy(wall => wall.Value).Key)));
    }
}
