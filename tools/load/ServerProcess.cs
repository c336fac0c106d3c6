using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Text.RegularExpressions;

namespace Handwritten.Load;

/// <summary>
/// <c>handwritten serve</c> as a process of its own, with the demo model on the CPU, at a free port of the loopback interface;
/// it ends with this object.
/// </summary>
internal sealed partial class ServerProcess : IAsyncDisposable
{
    private const int Terminate = 15;

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    /// <summary>The <c>dotnet</c> that runs this program, which need not be on the PATH.</summary>
    private static readonly string DotnetHost =
        Path.GetFileNameWithoutExtension(Environment.ProcessPath) == "dotnet" ? Environment.ProcessPath! : "dotnet";

    private readonly Process _process;
    private readonly DirectoryInfo _scratch;

    private ServerProcess(Process process, DirectoryInfo scratch, Uri address)
    {
        (_process, _scratch, Address) = (process, scratch, address);
        Client = new HttpClient { BaseAddress = address, Timeout = Timeout.InfiniteTimeSpan };
    }

    /// <summary>Where it listens.</summary>
    public Uri Address { get; }

    /// <summary>Sends requests to it.</summary>
    public HttpClient Client { get; }

    /// <summary>Files that requests have left.</summary>
    public int ScratchFiles => _scratch.GetDirectories("handwritten-server-*").Sum(folder => folder.GetFiles().Length);

    /// <summary>Memory that it has in RAM.</summary>
    public long ResidentBytes
    {
        get
        {
            _process.Refresh();
            return _process.WorkingSet64;
        }
    }

    /// <summary>Processor time that it has taken so far, in seconds, of all cores together.</summary>
    public double ProcessorSeconds
    {
        get
        {
            _process.Refresh();
            return _process.TotalProcessorTime.TotalSeconds;
        }
    }

    /// <summary>Starts it, and waits until the model is loaded.</summary>
    /// <param name="arguments">Options of <c>handwritten serve</c>.</param>
    /// <param name="cancellation">Ends the waiting, and the server.</param>
    public static async Task<ServerProcess> StartAsync(IEnumerable<string> arguments, CancellationToken cancellation)
    {
        DirectoryInfo scratch = Directory.CreateTempSubdirectory("handwritten-load-");
        Process process = Process.Start(new ProcessStartInfo(DotnetHost,
            [Built.Command, "serve", "--port", "0", "--device", "cpu", "--model", Recording.ModelFolder, .. arguments])
        {
            RedirectStandardError = true,
            Environment = { ["TMPDIR"] = scratch.FullName },
        })!;
        try
        {
            using CancellationTokenSource patience = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
            patience.CancelAfter(Patience);
            ServerProcess server = new(process, scratch, await ListeningAsync(process, patience.Token));
            while (!(await server.Client.GetAsync("/health/ready", patience.Token)).IsSuccessStatusCode)
            {
                await Task.Delay(50, patience.Token);
            }

            return server;
        }
        catch
        {
            process.Kill();
            process.Dispose();
            scratch.Delete(recursive: true);
            throw;
        }
    }

    /// <summary>Stops it as an operator does; by force if that takes too long.</summary>
    public async ValueTask DisposeAsync()
    {
        Client.Dispose();
        if (OperatingSystem.IsWindows() || Kill(_process.Id, Terminate) != 0)
        {
            _process.Kill();
        }

        using CancellationTokenSource patience = new(Patience);
        try
        {
            await _process.WaitForExitAsync(patience.Token);
        }
        catch (OperationCanceledException)
        {
            _process.Kill();
        }

        _process.Dispose();
        _scratch.Delete(recursive: true);
    }

    private static async Task<Uri> ListeningAsync(Process process, CancellationToken cancellation)
    {
        string said = "";
        while (await process.StandardError.ReadLineAsync(cancellation) is { } line)
        {
            if (Listening().Match(line) is { Success: true } match)
            {
                _ = process.StandardError.ReadToEndAsync(CancellationToken.None); // a full pipe would stop it
                return new Uri(match.Groups[1].Value);
            }

            said += line;
        }

        throw new InvalidOperationException(string.Create(CultureInfo.InvariantCulture, $"The server ended before it listened: {said}"));
    }

    [GeneratedRegex("listening at (http://[^ ,]+)")]
    private static partial Regex Listening();

    [LibraryImport("libc", EntryPoint = "kill")]
    private static partial int Kill(int process, int signal);
}
