using System.Diagnostics;
using Handwritten.Tests;

namespace Handwritten.Cli.Tests;

/// <summary>What a program left behind.</summary>
internal sealed record Outcome(int ExitCode, string Output, string Error)
{
    public string[] OutputLines => Output.Split('\n', StringSplitOptions.RemoveEmptyEntries);

    public string[] ErrorLines => Error.Split('\n', StringSplitOptions.RemoveEmptyEntries);
}

/// <summary>A temporary folder to run programs in; it goes with the test.</summary>
internal sealed class Sandbox : IDisposable
{
    /// <summary>The program as it was built beside the tests.</summary>
    private static readonly string Program = Path.Combine(AppContext.BaseDirectory, "handwritten.dll");

    /// <summary>The <c>dotnet</c> that runs the tests, which need not be on the PATH.</summary>
    private static readonly string DotnetHost =
        Path.GetFileNameWithoutExtension(Environment.ProcessPath) == "dotnet" ? Environment.ProcessPath! : "dotnet";

    public string Folder { get; } = Directory.CreateTempSubdirectory("handwritten test ").FullName;

    public string this[params string[] parts] => Path.Combine([Folder, .. parts]);

    /// <summary>Writes a file, with the folders above it.</summary>
    public string Write(string path, string text, bool executable = false)
    {
        string full = this[path];
        Directory.CreateDirectory(Path.GetDirectoryName(full)!);
        File.WriteAllText(full, text);
        if (executable && !OperatingSystem.IsWindows())
        {
            File.SetUnixFileMode(full, File.GetUnixFileMode(full) | UnixFileMode.UserExecute);
        }

        return full;
    }

    /// <summary>Copies the demo model to the folder <c>model</c>, to change it.</summary>
    public string CopyModel()
    {
        string copy = Directory.CreateDirectory(this["model"]).FullName;
        foreach (string file in Directory.GetFiles(TestData.Weights("whisper-nano")))
        {
            File.Copy(file, Path.Combine(copy, Path.GetFileName(file)));
        }

        return copy;
    }

    /// <summary>Runs the real program, with its streams redirected as in a script.</summary>
    public Outcome Handwritten(params string[] arguments) => Handwritten([], arguments);

    /// <summary>Runs the real program in an environment with some variables set.</summary>
    public Outcome Handwritten((string Name, string? Value)[] environment, params string[] arguments) =>
        Run(DotnetHost, [Program, .. arguments], environment: environment);

    /// <summary>Runs a line of bash in which <c>"$DOTNET" "$PROGRAM"</c> is the real program.</summary>
    public Outcome InShell(string line, params (string Name, string? Value)[] environment) =>
        Run("bash", ["-c", line], environment: InShell(environment));

    /// <summary>Starts a line of bash in which <c>"$DOTNET" "$PROGRAM"</c> is the real program.</summary>
    public Process StartInShell(string line, params (string Name, string? Value)[] environment) =>
        Start("bash", ["-c", line], environment: InShell(environment));

    /// <summary>Starts the real program.</summary>
    public Process StartHandwritten(params string[] arguments) => Start(DotnetHost, [Program, .. arguments]);

    /// <summary>Runs a program to its end, two minutes at most.</summary>
    public Outcome Run(string program, string[] arguments, string? input = null, string? workingDirectory = null,
        params (string Name, string? Value)[] environment)
    {
        using Process process = Start(program, arguments, workingDirectory, environment);
        Task<string> output = process.StandardOutput.ReadToEndAsync();
        Task<string> error = process.StandardError.ReadToEndAsync();
        process.StandardInput.Write(input);
        process.StandardInput.Close();
        if (!process.WaitForExit(TimeSpan.FromMinutes(2)))
        {
            process.Kill(entireProcessTree: true);
            throw new TimeoutException($"{program} {string.Join(' ', arguments)} did not end within two minutes.");
        }

        return new Outcome(process.ExitCode, output.Result, error.Result);
    }

    /// <summary>Starts a program with its three streams in our hands.</summary>
    public Process Start(string program, string[] arguments, string? workingDirectory = null,
        params (string Name, string? Value)[] environment)
    {
        ProcessStartInfo start = new(program, arguments)
        {
            WorkingDirectory = workingDirectory ?? Folder,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        foreach ((string name, string? value) in environment)
        {
            start.Environment[name] = value;
        }

        return Process.Start(start)!;
    }

    private static (string Name, string? Value)[] InShell((string Name, string? Value)[] environment) => [.. environment, ("DOTNET", DotnetHost), ("PROGRAM", Program)];

    public void Dispose() => Directory.Delete(Folder, recursive: true);
}
