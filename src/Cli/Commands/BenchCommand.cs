using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using Handwritten.Cli.Bench;
using Handwritten.Kernels;
using Handwritten.Kernels.Cpu;
using Spectre.Console;

namespace Handwritten.Cli.Commands;

/// <summary>
/// <c>handwritten bench</c>: how long each part of a model takes on one 30-second window, beside what this machine can do
/// at most, both measured in the same run.
/// </summary>
internal sealed class BenchCommand : Command
{
    private readonly NetworkOptions _network = new(DType.F16, DType.F32, DType.BF16);

    private readonly Option<int?> _runs = Define.Count("--runs", "Runs of each part; the median counts. [default: 5]", maximum: 1000);

    private readonly Option<string?> _compare = Define.Text("--compare",
        "Time this library's matrix product on the same shapes: openblas, where it is installed.", "openblas");

    private readonly Option<bool> _json = Define.Json();

    /// <summary>The command.</summary>
    public BenchCommand()
        : base("bench", "Time the parts of a model.")
    {
        _network.AddTo(this);
        Add(_runs);
        Add(_compare);
        Add(_json);
        SetAction((parsed, cancellation) => Task.FromResult((int)Run(parsed, cancellation)));
    }

    private ExitCode Run(ParseResult parsed, CancellationToken cancellation)
    {
        if (parsed.GetValue(_compare) is { } library && library != "openblas")
        {
            throw new UsageException($"--compare knows openblas, but not '{library}'.");
        }

        if (parsed.GetValue(_compare) is not null)
        {
            // Whether it is there is better told before the minutes of work.
            OpenBlas.Load(threads: 1).Dispose();
        }

        int runs = parsed.GetValue(_runs) ?? 5;
        using LoadedNetwork loaded = _network.Load(parsed);
        CpuKernels? cpu = loaded.Kernels as CpuKernels;
        if (cpu is null && parsed.GetValue(_compare) is not null)
        {
            throw new UsageException("--compare times a library of the CPU's: choose --device cpu with it.");
        }

        List<BenchStage> stages = [.. ModelBenchmark.Run(loaded.Network, loaded.Network.WeightType.ByteSize(), runs, cancellation)];

        // Before the limits are measured, which takes memory of its own.
        long peakMemory = Process.GetCurrentProcess().PeakWorkingSet64;
        CpuPeak? limits = cpu is null ? null : CpuPeak.Measure(cpu.Threads);
        IReadOnlyList<ProductComparison>? products = cpu is null || parsed.GetValue(_compare) is null
            ? null
            : ProductComparison.Run(loaded.Network, cpu.Threads, runs, cancellation);

        if (parsed.GetValue(_json))
        {
            Console.Out.WriteLine(JsonSerializer.Serialize(
                new { model = loaded.Name, weights = loaded.Network.WeightType.ToString(), device = loaded.Kernels.DeviceDescription, runs, limits, stages, peakMemoryBytes = peakMemory, products },
                Terminal.Json));
            return ExitCode.Ok;
        }

        Table table = Terminal.Table("part", ">ms", ">GFLOP/s", ">of peak", ">GB/s", ">of memory");
        foreach (BenchStage stage in stages)
        {
            table.AddRow(
                stage.Name,
                Number(stage.Milliseconds, "0.00"),
                stage.Flops > 0 ? Number(stage.Gigaflops, "0.0") : "",
                stage.Flops > 0 && limits is not null ? Number(stage.Gigaflops / limits.Gigaflops, "0%") : "",
                stage.Bytes > 0 ? Number(stage.GigabytesPerSecond, "0.0") : "",
                stage.Bytes > 0 && limits is not null ? Number(stage.GigabytesPerSecond / limits.GigabytesPerSecond, "0%") : "");
        }

        Console.Out.WriteLine($"{loaded.Name}, {loaded.Network.WeightType} weights, on {loaded.Kernels.DeviceDescription}; one window of 30 s, median of {runs} runs");
        Terminal.Write(table);
        string machine = limits is null ? "" : string.Create(CultureInfo.InvariantCulture, $"This machine: {limits.Gigaflops:0} GFLOP/s of multiply-adds, {limits.GigabytesPerSecond:0.0} GB/s of reading. ");
        Console.Out.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{machine}Peak resident memory: {peakMemory / 1e6:0} MB."));
        if (products is not null)
        {
            Table comparison = Terminal.Table("product", ">rows", ">outputs", ">inputs", ">GFLOP/s", ">OpenBLAS", ">ratio");
            foreach (ProductComparison product in products)
            {
                comparison.AddRow(product.Name, $"{product.Rows}", $"{product.Outputs}", $"{product.Inputs}", Number(product.Gigaflops, "0.0"), Number(product.OtherGigaflops, "0.0"), Number(product.Ratio, "0.00"));
            }

            Terminal.Write(comparison);
        }

        return ExitCode.Ok;
    }

    private static string Number(double value, string format) => value.ToString(format, CultureInfo.InvariantCulture);
}
