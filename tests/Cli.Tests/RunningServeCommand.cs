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

    /// <summary>Demands that it holds nothing of requests: no places in the engine, and no recordings.</summary>
    /// <param name="client">Asks it.</param>
    /// <param name="scratch">Its folder for temporary files; null where that is not its own.</param>
    public static async Task HoldsNothingAsync(HttpClient client, string? scratch = null)
    {
        string[] held = [];
        for (int attempt = 0; attempt < 100; attempt++)
        {
            string metrics = await client.GetStringAsync("/metrics");
            held =
            [
                .. metrics.Split('\n').Where(line => Places().IsMatch(line) && !Zero().IsMatch(line)),
                .. scratch is null ? [] : Directory.GetFiles(scratch, "*", SearchOption.AllDirectories).Where(file => file.Contains("handwritten-server-", StringComparison.Ordinal)),
            ];
            Assert.Equal(3, metrics.Split('\n').Count(line => Places().IsMatch(line)));
            if (held.Length == 0)
            {
                return;
            }

            await Task.Delay(100);
        }

        Assert.Empty(held);
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

    [GeneratedRegex("^handwritten_(requests_active|lanes_used|windows_used)\\{")]
    private static partial Regex Places();

    [GeneratedRegex(@"\} 0( \d+)?$")]
    private static partial Regex Zero();

    [GeneratedRegex("listening at (http://[^ ]+)")]
    private static partial Regex Listening();
}
