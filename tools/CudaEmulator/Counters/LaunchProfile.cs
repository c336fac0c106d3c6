using System.Runtime.CompilerServices;
using System.Text.Json;
using Handwritten.CudaEmulator.Device;
using Handwritten.CudaEmulator.Execution;

namespace Handwritten.CudaEmulator.Counters;

/// <summary>
/// Counters of all kernels launched, by name. Each worker counts for itself, and a launch that ends well adds up what its
/// workers counted: the figures do not depend on how many there are. Written as JSON, with each device's floor.
/// </summary>
/// <param name="path">Where <see cref="Save"/> writes; null for nowhere.</param>
internal sealed class LaunchProfile(string? path)
{
    /// <summary>The environment variable that names the file.</summary>
    public const string Variable = "HANDWRITTEN_EMULATOR_PROFILE";

    private readonly Lock _guard = new();
    private readonly ConditionalWeakTable<KernelCode, OpFacts[]> _facts = [];
    private readonly SortedDictionary<string, KernelCounters> _kernels = new(StringComparer.Ordinal);
    private bool _isSaved = true;

    /// <summary>The profile that the environment asks for, if it does.</summary>
    public static LaunchProfile? FromEnvironment() =>
        Environment.GetEnvironmentVariable(Variable) is { Length: > 0 } path ? new(System.IO.Path.GetFullPath(path)) : null;

    /// <summary>A kernel's counters so far; null if it has not been launched.</summary>
    public KernelCounters? Find(string kernel)
    {
        lock (_guard)
        {
            return _kernels.GetValueOrDefault(kernel);
        }
    }

    /// <summary>Runs a launch, and counts.</summary>
    /// <inheritdoc cref="GridRunner.Run(LaunchRequest, DeviceMemory, DeviceProfile, LaunchOptions)"/>
    public void Run(LaunchRequest launch, DeviceMemory memory, DeviceProfile profile, LaunchOptions? options = null)
    {
        OpFacts[] known = _facts.GetValue(launch.Kernel, OpFacts.Of);
        List<CountingObserver> observers = [];
        GridRunner.Run(launch, memory, profile, options ?? new(), () =>
        {
            CountingObserver observer = new(launch.Kernel, known);
            lock (observers)
            {
                observers.Add(observer);
            }

            return observer;
        });
        SectorSet sectors = new();
        KernelCounters counts = new();
        foreach (CountingObserver observer in observers)
        {
            counts.Add(observer.Counts);
            sectors.Add(observer.Sectors);
        }

        counts[Counter.Launches] = 1;
        counts[Counter.GlobalUniqueBytes] = sectors.Bytes;
        lock (_guard)
        {
            if (!_kernels.TryGetValue(launch.Kernel.Name, out KernelCounters? total))
            {
                _kernels.Add(launch.Kernel.Name, total = new());
            }

            total.Add(counts);
            _isSaved = false;
        }
    }

    /// <summary>Writes the profile's own file, if there is something new.</summary>
    public void Save()
    {
        lock (_guard)
        {
            if (_isSaved || path is null)
            {
                return;
            }

            _isSaved = true;
            try
            {
                Write(path);
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                Console.Error.WriteLine($"CUDA emulator: {Variable}: the profile cannot be written to {path}: {e.Message}");
            }
        }
    }

    /// <summary>Forgets everything: what is counted from now on begins at zero.</summary>
    public void Reset()
    {
        lock (_guard)
        {
            _kernels.Clear();
            _isSaved = false;
        }
    }

    /// <summary>Writes a file: first beside it, so that a reader never sees half of it.</summary>
    /// <exception cref="IOException">It cannot be written.</exception>
    /// <exception cref="UnauthorizedAccessException">It may not be written.</exception>
    public void Write(string file)
    {
        lock (_guard)
        {
            string draft = $"{file}.{Environment.ProcessId}";
            using (FileStream stream = File.Create(draft))
            {
                Write(stream);
            }

            File.Move(draft, file, overwrite: true);
        }
    }

    private void Write(Stream stream)
    {
        using Utf8JsonWriter json = new(stream, new() { Indented = true });
        json.WriteStartObject();
        json.WriteStartArray("kernels");
        foreach ((string name, KernelCounters counts) in _kernels)
        {
            json.WriteStartObject();
            json.WriteString("name", name);
            for (int i = 0; i < KernelCounters.Names.Length; i++)
            {
                json.WriteNumber(JsonNamingPolicy.CamelCase.ConvertName(KernelCounters.Names[i]), counts[(Counter)i]);
            }

            json.WriteStartObject("floors");
            foreach (Roofline roofline in Roofline.All)
            {
                if (roofline.FloorOf(counts) is { } floor)
                {
                    json.WriteStartObject(roofline.Device);
                    json.WriteNumber("microseconds", floor.Microseconds);
                    json.WriteString("wall", floor.Wall);
                    json.WriteEndObject();
                }
            }

            json.WriteEndObject();
            json.WriteEndObject();
        }

        json.WriteEndArray();
        json.WriteEndObject();
    }
}
