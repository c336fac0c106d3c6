using Handwritten.Runtime.Audio;
using Handwritten.Runtime.Output;

namespace Handwritten.Cli;

/// <summary>Does the same with several files. What is wrong with one of them is reported and leaves the others alone.</summary>
internal static class EachFile
{
    /// <summary>Runs the work for one file after the other.</summary>
    /// <returns>The exit code of the first file that failed.</returns>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    public static ExitCode Do(IEnumerable<string> files, Action<string> work, CancellationToken cancellation)
    {
        ExitCode exitCode = ExitCode.Ok;
        foreach (string file in files)
        {
            try
            {
                cancellation.ThrowIfCancellationRequested();
                work(file);
            }
            catch (Exception failure) when (failure is AudioException or OutputException or TranscriptException)
            {
                // Ctrl-C reaches the program that pipes a recording as well: what is cut off then is no failure.
                cancellation.ThrowIfCancellationRequested();
                ExitCode code = Application.Report(failure);
                exitCode = exitCode == ExitCode.Ok ? code : exitCode;
            }
        }

        return exitCode;
    }
}
