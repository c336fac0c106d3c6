using Xunit;

namespace Handwritten.Server.Tests;

/// <summary>A test with other programs: only where they are installed.</summary>
public sealed class ProgramFactAttribute : FactAttribute
{
    /// <summary>Wants programs.</summary>
    /// <param name="programs">What the command line calls them.</param>
    public ProgramFactAttribute(params string[] programs)
    {
        Programs = programs;
        Skip = Array.Find(programs, program => !IsOnPath(program)) is { } missing ? $"{missing} is not installed." : null;
    }

    /// <summary>The programs.</summary>
    public string[] Programs { get; }

    private static bool IsOnPath(string program) => (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator)
        .Any(folder => File.Exists(Path.Combine(folder, program)) || File.Exists(Path.Combine(folder, $"{program}.exe")));
}
