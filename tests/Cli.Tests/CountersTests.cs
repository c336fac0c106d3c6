using System.Text.Json;
using Handwritten.Cli.Profile;
using Handwritten.Kernels.Gpu.Profiling;
using Xunit;

namespace Handwritten.Cli.Tests;

/// <summary>What the emulator has counted joins what a GPU has measured.</summary>
public sealed class CountersTests : IDisposable
{
    private static readonly ProfiledPass[] Measured = [new("step", [new("Norm<Float16>.Kernel", 3, null, null, 7.5, new Dictionary<string, KernelFloor>())])];

    private readonly Sandbox _sandbox = new();

    public void Dispose() => _sandbox.Dispose();

    [Fact]
    public void Counts_join_the_times_of_the_same_kernels()
    {
        KernelUse kernel = Assert.Single(ProfiledPass.WithCounters(Measured, Write(launches: 3))[0].Kernels);
        Assert.Equal(("Norm<Float16>.Kernel", 3, 4096, 96, 7.5), (kernel.Kernel, kernel.Launches, kernel.Bytes, kernel.Flops, kernel.Microseconds));
        Assert.Equal(new KernelFloor(2.5, "memory"), kernel.Floors["h200"]);
    }

    [Fact]
    public void Counts_of_another_model_are_refused()
    {
        string file = Write(launches: 4);
        UsageException refusal = Assert.Throws<UsageException>(() => ProfiledPass.WithCounters(Measured, file));
        Assert.Contains("does not count 3 launches of Norm<Float16>.Kernel", refusal.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("no JSON")]
    [InlineData("{}")]
    [InlineData("""{ "passes": 5 }""")]
    [InlineData("""{ "passes": null }""")]
    [InlineData("""{ "passes": [ null ] }""")]
    [InlineData("""{ "passes": [ { "name": "step" } ] }""")]
    [InlineData("""{ "passes": [ { "name": "step", "kernels": [ {} ] } ] }""")]
    [InlineData(null)]
    public void A_file_of_something_else_is_refused(string? text)
    {
        string file = text is null ? "none.json" : _sandbox.Write("counters.json", text);
        Assert.Contains("--counters", Assert.Throws<UsageException>(() => ProfiledPass.WithCounters(Measured, file)).Message, StringComparison.Ordinal);
    }

    private string Write(int launches)
    {
        Dictionary<string, KernelFloor> floors = new() { ["h200"] = new(2.5, "memory") };
        ProfiledPass[] passes = [new("step", [new("Norm<Float16>.Kernel", launches, 4096, 96, null, floors)])];
        return _sandbox.Write("counters.json", JsonSerializer.Serialize(new { model = "nano", passes }, Terminal.Json));
    }
}
