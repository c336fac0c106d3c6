using System.Globalization;
using Handwritten.Kernels.Gpu;
using Spectre.Console;

namespace Handwritten.Cli.Bench;

/// <summary>How long it takes from nothing to a token.</summary>
/// <param name="LoadMilliseconds">To open the device and to load the weights, or to make them up.</param>
/// <param name="FirstWindowMilliseconds">The first run of every part, which on a GPU compiles or loads the kernels.</param>
/// <param name="CompiledKernels">Kernels that were compiled, and not in the cache; null on a CPU.</param>
internal sealed record ColdStart(double LoadMilliseconds, double FirstWindowMilliseconds, int? CompiledKernels);

/// <summary>All that <c>handwritten bench</c> has found out, as it is printed as JSON; what was not asked for is null.</summary>
internal sealed record BenchReport
{
    public required string Model { get; init; }

    public required string Weights { get; init; }

    public required string Device { get; init; }

    public required int BatchSize { get; init; }

    public required int Runs { get; init; }

    public required Limits? Limits { get; init; }

    public required IReadOnlyList<BenchStage> Stages { get; init; }

    public required ColdStart ColdStart { get; init; }

    public required long PeakMemoryBytes { get; init; }

    public required IReadOnlyList<GpuMemoryUse>? DeviceMemory { get; init; }

    public required IReadOnlyList<OperationTime>? Operations { get; init; }

    public required IReadOnlyList<ProductComparison>? Products { get; init; }

    public required RecordingTime? Audio { get; init; }

    /// <summary>Prints tables.</summary>
    public void Print()
    {
        string windows = BatchSize == 1 ? "one window of 30 s" : $"{BatchSize} windows of 30 s at a time";
        Console.Out.WriteLine($"{Model}, {Weights} weights, on {Device}; {windows}, median of {Runs} runs");
        PrintStages();
        string machine = Limits is null ? "" : string.Create(CultureInfo.InvariantCulture, $"This machine: {Limits.Gigaflops:0} GFLOP/s of {(DeviceMemory is null ? "multiply-adds" : "a large product")}, {Limits.GigabytesPerSecond:0.0} GB/s of {(DeviceMemory is null ? "reading" : "a large copy")}. ");
        Console.Out.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{machine}Peak resident memory: {PeakMemoryBytes / 1e6:0} MB."));
        Console.Out.WriteLine(string.Create(CultureInfo.InvariantCulture, $"Cold start: {ColdStart.LoadMilliseconds:0} ms to load, {ColdStart.FirstWindowMilliseconds:0} ms for every part's first run{(ColdStart.CompiledKernels is { } kernels ? $", {kernels} kernels compiled" : "")}."));
        if (DeviceMemory is not null)
        {
            Console.Out.WriteLine($"Device memory: {string.Join(", ", DeviceMemory.Select(use => $"{use.Label} {GpuMemory.Text(use.Bytes)}"))}.");
        }

        if (Audio is { } audio)
        {
            Console.Out.WriteLine(string.Create(CultureInfo.InvariantCulture,
                $"{audio.AudioSeconds:0} s of noise, {audio.Windows} windows of {audio.Tokens} tokens: {audio.Milliseconds / 1e3:0.00} s, real-time factor {audio.RealTimeFactor:0.00000} (log-mel {audio.LogMelMilliseconds:0} ms, encoder {audio.EncoderMilliseconds:0}, keys and values {audio.ListenMilliseconds:0}, decoder {audio.DecoderMilliseconds:0})."));
        }

        PrintOperations();
        PrintProducts();
    }

    private void PrintStages()
    {
        Table table = Terminal.Table("part", ">ms", ">GFLOP/s", ">of peak", ">GB/s", ">of memory");
        foreach (BenchStage stage in Stages)
        {
            table.AddRow(
                stage.Name,
                Number(stage.Milliseconds, stage.Milliseconds < 1 ? "0.0000" : "0.00"),
                stage.Flops > 0 ? Number(stage.Gigaflops, "0.0") : "",
                stage.Flops > 0 && Limits is not null ? Number(stage.Gigaflops / Limits.Gigaflops, "0%") : "",
                stage.Bytes > 0 ? Number(stage.GigabytesPerSecond, "0.0") : "",
                stage.Bytes > 0 && Limits is not null ? Number(stage.GigabytesPerSecond / Limits.GigabytesPerSecond, "0%") : "");
        }

        Terminal.Write(table);
    }

    private void PrintOperations()
    {
        if (Operations is null)
        {
            return;
        }

        Table table = Terminal.Table("part", "operation", ">shape", ">ms", ">TFLOP/s", ">GB/s");
        foreach (OperationTime operation in Operations)
        {
            table.AddRow(
                operation.Part,
                operation.Name,
                string.Join(" x ", operation.Shape),
                Number(operation.Milliseconds, "0.0000"),
                Number(operation.Teraflops, "0.000"),
                operation.Bytes > 0 ? Number(operation.GigabytesPerSecond, "0.0") : "");
        }

        Terminal.Write(table);
    }

    private void PrintProducts()
    {
        if (Products is null)
        {
            return;
        }

        Table table = Terminal.Table("product", ">rows", ">outputs", ">inputs", ">GFLOP/s", ">OpenBLAS", ">ratio");
        foreach (ProductComparison product in Products)
        {
            table.AddRow(product.Name, $"{product.Rows}", $"{product.Outputs}", $"{product.Inputs}", Number(product.Gigaflops, "0.0"), Number(product.OtherGigaflops, "0.0"), Number(product.Ratio, "0.00"));
        }

        Terminal.Write(table);
    }

    private static string Number(double value, string format) => value.ToString(format, CultureInfo.InvariantCulture);
}
