using System.Text;
using System.Text.Json;
using Handwritten.Kernels.Gpu;
using Xunit;

namespace Handwritten.Kernels.Tests.Gpu;

/// <summary>What the emulated driver counts of the kernels that a piece of work launches, all of them together.</summary>
internal sealed unsafe class EmulatorCounters
{
    private readonly Dictionary<string, long> _sums = [];

    private EmulatorCounters(JsonElement profile)
    {
        foreach (JsonProperty counter in profile.GetProperty("kernels").EnumerateArray().SelectMany(kernel => kernel.EnumerateObject()))
        {
            if (counter.Value.ValueKind == JsonValueKind.Number)
            {
                _sums[counter.Name] = _sums.GetValueOrDefault(counter.Name) + counter.Value.GetInt64();
            }
        }
    }

    /// <summary>A counter, by the name that it has in the emulator's JSON.</summary>
    public long this[string name] => _sums[name];

    /// <summary>Bytes that lanes read and write in global memory.</summary>
    public long GlobalBytes => this["globalBytesRead"] + this["globalBytesWritten"];

    /// <summary>Bytes asked for, over the bytes of the sectors that had to move for them; above 1 where lanes read the same.</summary>
    public double Coalescing => GlobalBytes / (32.0 * this["globalSectors"]);

    /// <summary>Counts a piece of work.</summary>
    public static EmulatorCounters Of(Action work)
    {
        string file = Path.GetTempFileName();
        try
        {
            Assert.Equal(0, ((delegate* unmanaged<int>)Function("handwrittenEmulatorProfileReset"))());
            work();
            fixed (byte* path = Encoding.UTF8.GetBytes(file + "\0"))
            {
                Assert.Equal(0, ((delegate* unmanaged<byte*, int>)Function("handwrittenEmulatorProfileWrite"))(path));
            }

            using JsonDocument profile = JsonDocument.Parse(File.ReadAllText(file));
            return new EmulatorCounters(profile.RootElement);
        }
        finally
        {
            File.Delete(file);
        }
    }

    private static nint Function(string name)
    {
        nint address = CudaLibrary.Function(name);
        Assert.True(address != 0, $"The emulated driver has no function {name}.");
        return address;
    }
}
