using Handwritten.CudaEmulator.Device;

namespace Handwritten.CudaEmulator.Driver;

/// <summary>
/// What the emulator has found wrong with programs: faults of kernels and of copies, and leaks. Each goes to standard error, for
/// whoever looks at no result of any call shall hear of it all the same, and to the file that the environment names.
/// </summary>
/// <param name="path">A file that reports are added to; null for none.</param>
internal sealed class Findings(string? path)
{
    /// <summary>The environment variable that names the file.</summary>
    public const string Variable = "HANDWRITTEN_EMULATOR_REPORT";

    private readonly Lock _guard = new();
    private int _count;

    /// <summary>How many there have been.</summary>
    public int Count => Volatile.Read(ref _count);

    /// <summary>Findings that go where the environment says.</summary>
    public static Findings FromEnvironment() =>
        new(Environment.GetEnvironmentVariable(Variable) is { Length: > 0 } path ? Path.GetFullPath(path) : null);

    /// <summary>Reports a finding.</summary>
    /// <param name="result">The error that the program gets; <see cref="CudaResult.Success"/> if it gets none.</param>
    /// <param name="report">What happened.</param>
    public void Add(CudaResult result, string report)
    {
        lock (_guard)
        {
            _count++;
            string title = result == CudaResult.Success ? "" : $" {ResultText.Text(result)}";
            string block = $"========= CUDA emulator:{title}\n=========     {report.Replace("\n", "\n=========     ", StringComparison.Ordinal)}";
            Console.Error.WriteLine(block);
            try
            {
                if (path is not null)
                    File.AppendAllText(path, block + "\n");
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                Console.Error.WriteLine($"CUDA emulator: {Variable}: the report cannot be written to {path}: {e.Message}");
            }
        }
    }
}
