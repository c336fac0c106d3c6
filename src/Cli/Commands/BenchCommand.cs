using System.CommandLine;
using System.Diagnostics;
using System.Text.Json;
using Handwritten.Cli.Bench;
using Handwritten.Kernels;
using Handwritten.Kernels.Cpu;
using Handwritten.Kernels.Gpu;

namespace Handwritten.Cli.Commands;

/// <summary>
/// <c>handwritten bench</c>: how long each part of a model takes on 30-second windows, beside what this machine can do
/// at most, both measured in the same run.
/// </summary>
internal sealed class BenchCommand : Command
{
    private const int MostWindows = 64, MostSeconds = 24 * 3600, MostTokens = 224, UsualTokens = 128;

    private readonly NetworkOptions _network = new(DType.F16, DType.F32, DType.BF16);

    private readonly Option<int?> _runs = Define.Count("--runs", "Runs of each part; the median counts. [default: 5]", maximum: 1000);

    private readonly Option<int?> _batch = Define.Count("--batch-size", "Windows at a time. [default: 1]", MostWindows);

    private readonly Option<bool> _products = Define.Flag("--products", "Time each matrix product and each attention by itself, too.");

    private readonly Option<int?> _seconds = Define.Count("--audio-seconds", "Transcribe a recording of noise, this long, too: everything from samples to tokens.", MostSeconds);

    private readonly Option<int?> _tokens = Define.Count("--tokens", $"Tokens that each window of it yields. [default: {UsualTokens}]", MostTokens);

    private readonly Option<string?> _compare = Define.Text("--compare",
        "Time this library's matrix product on the same shapes: openblas, where it is installed.", "openblas");

    private readonly Option<bool> _json = Define.Json();

    /// <summary>The command.</summary>
    public BenchCommand()
        : base("bench", "Time the parts of a model.")
    {
        _network.AddTo(this);
        Add(_runs);
        Add(_batch);
        Add(_products);
        Add(_seconds);
        Add(_tokens);
        Add(_compare);
        Add(_json);
        Add(new BenchBatchesCommand());
        SetAction((parsed, cancellation) => Task.FromResult((int)Run(parsed, cancellation)));
    }

    private ExitCode Run(ParseResult parsed, CancellationToken cancellation)
    {
        string? library = parsed.GetValue(_compare);
        if (library is not (null or "openblas"))
        {
            throw new UsageException($"--compare knows openblas, but not '{library}'.");
        }

        if (library is not null)
        {
            // Whether it is there is better told before the minutes of work.
            OpenBlas.Load(threads: 1).Dispose();
        }

        int? seconds = parsed.GetValue(_seconds);
        if (seconds is null && parsed.GetValue(_tokens) is not null)
        {
            throw new UsageException($"{_tokens.Name} is for a recording: give {_seconds.Name} with it, or leave it out.");
        }

        int runs = parsed.GetValue(_runs) ?? 5, batch = parsed.GetValue(_batch) ?? 1;
        long start = Stopwatch.GetTimestamp();
        using LoadedNetwork loaded = _network.Load(parsed, kernels =>
        {
            if (library is not null && kernels is not CpuKernels)
            {
                throw new UsageException("--compare times a library of the CPU's: choose --device cpu with it.");
            }
        });
        loaded.Kernels.Synchronize();
        double load = Stopwatch.GetElapsedTime(start).TotalMilliseconds;

        CpuKernels? cpu = loaded.Kernels as CpuKernels;
        IGpuKernels? gpu = loaded.Kernels as IGpuKernels;
        List<BenchStage> stages = [];
        IReadOnlyList<GpuMemoryUse>? deviceMemory = null;
        foreach (BenchStage stage in ModelBenchmark.Run(loaded.Network, batch, runs, cancellation))
        {
            stages.Add(stage);
            deviceMemory = gpu?.Device.Memory.Report();
        }

        BenchReport report = new()
        {
            Model = loaded.Name,
            Weights = (loaded.Kernels.HasInt8Weights ? DType.I8 : loaded.Network.WeightType).ToString(),
            Device = loaded.Kernels.DeviceDescription,
            BatchSize = batch,
            Runs = runs,
            Stages = stages,
            ColdStart = new ColdStart(load, stages.Sum(stage => stage.FirstMilliseconds), gpu?.Device.CompiledKernels),

            // Before the limits are measured, which takes memory of its own.
            Audio = seconds is { } length ? RecordingBenchmark.Run(loaded.Network, batch, length, parsed.GetValue(_tokens) ?? UsualTokens, cancellation) : null,
            PeakMemoryBytes = Process.GetCurrentProcess().PeakWorkingSet64,
            DeviceMemory = deviceMemory,
            Operations = parsed.GetValue(_products) ? [.. new OperationLadder(loaded.Kernels, loaded.Network.Dimensions, batch, cancellation).Run()] : null,
            Limits = gpu is not null ? Limits.Of(gpu) : cpu is not null ? Limits.Of(cpu) : null,
            Products = cpu is not null && library is not null ? ProductComparison.Run(loaded.Network, cpu.Threads, runs, cancellation) : null,
        };

        if (parsed.GetValue(_json))
        {
            Console.Out.WriteLine(JsonSerializer.Serialize(report, Terminal.Json));
        }
        else
        {
            report.Print();
        }

        return ExitCode.Ok;
    }
}
