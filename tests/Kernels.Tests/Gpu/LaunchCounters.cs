using System.Runtime.InteropServices;
using System.Text.Json;
using Handwritten.Tests;
using Xunit;

namespace Handwritten.Kernels.Tests.Gpu;

/// <summary>What the emulated driver counts of a kernel: bytes, sectors, bank conflicts, by the names of its profile.</summary>
internal sealed partial class LaunchCounters
{
    private const string Variable = "HANDWRITTEN_EMULATOR_PROFILE";
    private static readonly string Profile = Environment.GetEnvironmentVariable(Variable) is { Length: > 0 } path
        ? path
        : Path.Combine(Path.GetTempPath(), $"handwritten-{Environment.ProcessId}.profile.json");

    private readonly Dictionary<string, long> _values;

    private LaunchCounters(Dictionary<string, long> values) => _values = values;

    /// <summary>A counter: "sharedReplays".</summary>
    public long this[string counter] => _values[counter];

    /// <summary>Bytes that were asked for over those of the sectors that were touched for them.</summary>
    public double Coalescing => (this["globalBytesRead"] + this["globalBytesWritten"]) / (32.0 * this["globalSectors"]);

    /// <summary>Has the emulated driver count; to be called before it is loaded.</summary>
    public static void Collect()
    {
        if (!EmulatedDriver.IsReal)
        {
            SetVariable(Variable, Profile, 1); // the driver has a runtime of its own, which reads the process's variables
            AppDomain.CurrentDomain.ProcessExit += (_, _) => File.Delete(Profile);
        }
    }

    /// <summary>Counts what the launches of one kernel do.</summary>
    /// <param name="kernel">Name of the kernel's method.</param>
    /// <param name="run">Launches it and waits.</param>
    public static LaunchCounters Of(string kernel, Action run)
    {
        Dictionary<string, long> before = Read(kernel);
        run();
        return new LaunchCounters(Read(kernel).ToDictionary(entry => entry.Key, entry => entry.Value - before.GetValueOrDefault(entry.Key)));
    }

    private static Dictionary<string, long> Read(string kernel)
    {
        if (!File.Exists(Profile))
        {
            return [];
        }

        using JsonDocument profile = JsonDocument.Parse(File.ReadAllBytes(Profile));
        return profile.RootElement.GetProperty("kernels").EnumerateArray()
            .Where(entry => entry.GetProperty("name").GetString() == $"Kernel_{kernel}")
            .SelectMany(entry => entry.EnumerateObject())
            .Where(counter => counter.Value.ValueKind == JsonValueKind.Number)
            .ToDictionary(counter => counter.Name, counter => counter.Value.GetInt64());
    }

    [LibraryImport("libc", EntryPoint = "setenv", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int SetVariable(string name, string value, int overwrite);
}

/// <summary>A test of what the emulated driver counts; a real one counts nothing.</summary>
public sealed class CountersTheoryAttribute : TheoryAttribute
{
    public CountersTheoryAttribute() => Skip = EmulatedDriver.IsReal ? "A real GPU has no counters." : null;
}
