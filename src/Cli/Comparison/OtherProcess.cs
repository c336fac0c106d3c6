using System.Diagnostics;

namespace Handwritten.Cli.Comparison;

/// <summary>Runs this program again, in a process of its own.</summary>
internal static class OtherProcess
{
    /// <summary>Runs it to its end; what it says on standard error goes where ours goes.</summary>
    /// <param name="arguments">Its command line.</param>
    /// <param name="cancellation">Ends it.</param>
    /// <returns>Its exit code and its standard output.</returns>
    /// <exception cref="OperationCanceledException">Cancelled; the process is gone.</exception>
    public static async Task<(ExitCode Code, string Output)> RunAsync(IEnumerable<string> arguments, CancellationToken cancellation)
    {
        // Under `dotnet handwritten.dll` the process is dotnet, and the program its first argument.
        string self = Environment.ProcessPath!;
        string[] program = Path.GetFileNameWithoutExtension(self) == "dotnet" ? [Environment.GetCommandLineArgs()[0]] : [];
        using Process process = Process.Start(new ProcessStartInfo(self, [.. program, .. arguments])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            StandardOutputEncoding = System.Text.Encoding.UTF8,
        })!;
        try
        {
            process.StandardInput.Close();
            string output = await process.StandardOutput.ReadToEndAsync(cancellation).ConfigureAwait(false);
            await process.WaitForExitAsync(cancellation).ConfigureAwait(false);
            return ((ExitCode)process.ExitCode, output);
        }
        catch (OperationCanceledException)
        {
            process.Kill(entireProcessTree: true);
            throw;
        }
    }
}
