using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using Handwritten.Cli.Charts;
using Handwritten.Cli.Profile;
using Handwritten.Kernels;
using Handwritten.Kernels.Gpu;
using Handwritten.Kernels.Gpu.Profiling;
using ScottPlot;
using Spectre.Console;

namespace Handwritten.Cli.Commands;

/// <summary>
/// <c>handwritten profile</c>: what each GPU kernel does in an encode and in a step of the decoder. A GPU tells the times; the
/// emulated driver counts bytes and operations, and knows how long a card would take for them at least.
/// </summary>
internal sealed class ProfileCommand : Command
{
    private const int MostWindows = 64, ChartWidth = 1200, RowHeight = 40, ChartFrame = 120;

    private readonly NetworkOptions _network = new(DType.F16, DType.F32, DType.BF16);

    private readonly Option<string> _card = Define.Choice("--card", "The card whose limits the kernels are held beside.", "h200", "a100", "a10", "t4");

    private readonly Option<int?> _batch = Define.Count("--batch-size", "Windows at a time. [default: 1]", MostWindows);

    private readonly Option<string?> _counters = Define.Text("--counters",
        "With a real GPU: what 'profile --device emulated --json' printed for the same model, for bytes, operations and floors.", "FILE");

    private readonly Option<string?> _plot = Define.Text("--plot", "Draw times or floors of the kernels to this file.", "FILE.png");

    private readonly Option<bool> _json = Define.Json();

    /// <summary>The command.</summary>
    public ProfileCommand()
        : base("profile", "Show what each GPU kernel does in an encode and in a step of the decoder.")
    {
        _network.AddTo(this);
        Add(_card);
        Add(_batch);
        Add(_counters);
        Add(_plot);
        Add(_json);
        SetAction(parsed => (int)Run(parsed));
    }

    private ExitCode Run(ParseResult parsed)
    {
        string? plot = parsed.GetValue(_plot);
        if (plot is not null)
        {
            ChartFile.Check(_plot.Name, plot);
        }

        string card = parsed.GetRequiredValue(_card);
        int batch = parsed.GetValue(_batch) ?? 1;
        string? counters = parsed.GetValue(_counters);
        using LoadedNetwork loaded = _network.Load(parsed, kernels => Accept(kernels, counters));
        IReadOnlyList<ProfiledPass> passes = ProfiledPass.Run(loaded.Network, ((IGpuKernels)loaded.Kernels).Device, batch);
        if (counters is not null)
        {
            passes = ProfiledPass.WithCounters(passes, counters);
        }

        if (plot is not null)
        {
            Draw(plot, $"{loaded.Name}, batch {batch}, {loaded.Kernels.DeviceDescription}", passes, card);
        }

        if (parsed.GetValue(_json))
        {
            Console.Out.WriteLine(JsonSerializer.Serialize(
                new { model = loaded.Name, device = loaded.Kernels.DeviceDescription, emulated = CudaLibrary.IsEmulated, batchSize = batch, card, passes }, Terminal.Json));
            return ExitCode.Ok;
        }

        Console.Out.WriteLine($"{loaded.Name}, batch {batch}, on {loaded.Kernels.DeviceDescription}{(passes[0].Kernels[0].Floors.Count > 0 ? $"; floors are those of {card}" : "")}");
        foreach (ProfiledPass pass in passes)
        {
            Print(pass, card);
        }

        return ExitCode.Ok;
    }

    private static void Accept(IKernels kernels, string? counters)
    {
        if (kernels is not IGpuKernels)
        {
            throw new UsageException("profile looks at the kernels of a GPU, and this would run on the CPU: choose --device cuda, or --device emulated where there is no GPU.");
        }

        if (counters is not null && CudaLibrary.IsEmulated)
        {
            throw new UsageException("--counters adds what the emulator has counted to times of a real GPU: leave it out with --device emulated, which counts for itself.");
        }
    }

    private static void Print(ProfiledPass pass, string card)
    {
        double? Floor(KernelUse kernel) => kernel.Floors.TryGetValue(card, out KernelFloor? floor) ? floor.Microseconds : null;
        double? Taken(KernelUse kernel) => kernel.Microseconds ?? Floor(kernel);
        bool isTimed = pass.Kernels.Any(kernel => kernel.Microseconds is not null), isCounted = pass.Kernels.Any(kernel => kernel.Bytes is not null);
        double whole = pass.Kernels.Sum(kernel => Taken(kernel) ?? 0);

        string[] counts = isCounted ? [">MB", ">MFLOP", ">floor, us"] : [], times = isTimed ? [">us"] : [], both = isTimed && isCounted ? [">of floor"] : [];
        Table table = Terminal.Table([pass.Name, ">launches", .. counts, .. times, .. both, ">share", .. isCounted ? ["wall"] : Array.Empty<string>()]);
        foreach (KernelUse kernel in pass.Kernels.OrderByDescending(Taken))
        {
            List<string> cells = [Markup.Escape(KernelNames.Shorten(kernel.Kernel)), $"{kernel.Launches}"];
            if (isCounted)
            {
                cells.AddRange(Number(kernel.Bytes / 1e6, "0.000"), Number(kernel.Flops / 1e6, "0.0"), Number(Floor(kernel), "0.000"));
            }

            if (isTimed)
            {
                cells.Add(Number(kernel.Microseconds, "0.0"));
            }

            if (isTimed && isCounted)
            {
                cells.Add(Number(Floor(kernel) / kernel.Microseconds, "0%"));
            }

            cells.Add(Number(Taken(kernel) / whole, "0.0%"));
            if (isCounted)
            {
                cells.Add(kernel.Floors.TryGetValue(card, out KernelFloor? floor) ? floor.Wall : "");
            }

            table.AddRow([.. cells]);
        }

        Terminal.Write(table);
        Console.Out.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"{pass.Name}: {pass.Kernels.Sum(kernel => kernel.Launches)} launches, {whole:0.0} us{(isTimed ? "" : " at least")}"));
    }

    private static void Draw(string path, string title, IReadOnlyList<ProfiledPass> passes, string card)
    {
        Multiplot charts = new();
        charts.Subplots.RemoveAt(0);
        foreach (ProfiledPass pass in passes)
        {
            charts.AddPlot(KernelChart.Draw($"{pass.Name}: {title}", pass.Kernels, card));
        }

        ChartFile.Write(charts, path, ChartWidth, passes.Sum(pass => ChartFrame + (RowHeight * pass.Kernels.Count)));
    }

    private static string Number(double? value, string format) => value?.ToString(format, CultureInfo.InvariantCulture) ?? "";
}
