using System.Diagnostics;
using System.Text.RegularExpressions;
using Xunit;

namespace Handwritten.Cli.Tests;

/// <summary>A server as a process; it goes with the test.</summary>
internal sealed partial class RunningServeCommand : IDisposable
{
    private RunningServeCommand(Process process, string address) => (Process, Address) = (process, address);

    /// <summary>The process.</summary>
    public Process Process { get; }

    /// <summary>Where it listens.</summary>
    public string Address { get; }

    /// <summary>Waits until a server that was started listens.</summary>
    public static async Task<RunningServeCommand> ListeningAsync(Process process)
    {
        using CancellationTokenSource patience = new(TimeSpan.FromMinutes(1));
        while (await process.StandardError.ReadLineAsync(patience.Token) is { } line)
        {
            if (Listening().Match(line) is { Success: true } match)
            {
                _ = process.StandardError.ReadToEndAsync(CancellationToken.None); // a full pipe would stop it
                return new RunningServeCommand(process, match.Groups[1].Value);
            }
        }

        throw new InvalidOperationException("The server ended before it listened.");
    }

    /// <summary>Ends it as the system does, and demands that it ends well.</summary>
    /// <param name="sandbox">Runs programs.</param>
    public void Terminate(Sandbox sandbox)
    {
        Assert.Equal(0, sandbox.Run("kill", ["-TERM", $"{Process.Id}"]).ExitCode);
        Assert.True(Process.WaitForExit(TimeSpan.FromSeconds(30)));
        Assert.Equal(0, Process.ExitCode);
    }

    public void Dispose()
    {
        Process.Kill(entireProcessTree: true);
        Process.Dispose();
    }

    [GeneratedRegex("listening at (http://[^ ]+)")]
    private static partial Regex Listening();
}
