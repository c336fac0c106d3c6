using System.Globalization;
using Handwritten.Kernels;
using Handwritten.Kernels.Gpu;
using Handwritten.MatrixLadder;

// A matrix product in seven steps, from the formula to the kernels that Whisper runs with, and what each step was worth:
//
//     tools/CudaEmulator/build.sh
//     dotnet run -c Release --project tools/MatrixLadder            counts, exactly, on the emulated driver
//     dotnet run -c Release --project tools/MatrixLadder cuda       measures, on a GPU
//
// Each rung is a file here; the last two are src/Kernels/Gpu/Products.
CultureInfo.CurrentCulture = CultureInfo.InvariantCulture;
if (args.Length > 1 || !ComputeDevice.TryParse(args.FirstOrDefault() ?? "emulated", out ComputeDevice? device) || device.Resolve() == ComputeDevice.Cpu)
{
    Console.Error.WriteLine("MatrixLadder: The argument is a GPU: 'emulated', 'cuda', 'cuda:1'.");
    return 2;
}

try
{
    bool counts = device.ToString().StartsWith("emulated", StringComparison.Ordinal);
    Sizes sizes = counts ? new(192, 256, 320) : new(1536, 1280, 1280);
    using Ladder ladder = new(device, sizes);
    Console.WriteLine($"y = x Wᵀ, {sizes.Rows} rows, {sizes.Outputs} outputs, sums of {sizes.Inputs}: {sizes.MultiplyAdds / 1e6:F1} million multiply-adds");
    Console.WriteLine();
    Console.WriteLine(counts
        ? $"{"",-22}{"instructions",14}{"MB moved",10}{"shared accesses",17}{"replays",10}{"error",10}"
        : $"{"",-22}{"us",10}{"TFLOP/s",10}{"error",10}");
    foreach (Result rung in ladder.Climb())
    {
        Console.WriteLine(counts
            ? $"{rung.Name,-22}{rung.Instructions,14:N0}{rung.SectorBytes / 1e6,10:F2}{rung.Counters["sharedAccesses"],17:N0}{rung.Counters["sharedReplays"],10:N0}{rung.Error,10:0.0e+0}"
            : $"{rung.Name,-22}{rung.Microseconds,10:F1}{2 * sizes.MultiplyAdds / rung.Microseconds / 1e6,10:F2}{rung.Error,10:0.0e+0}");
    }

    return 0;
}
catch (GpuException exception)
{
    Console.Error.WriteLine($"MatrixLadder: {exception.Message}");
    return 7;
}
