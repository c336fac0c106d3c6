using Xunit;

namespace Handwritten.Cli.Tests;

/// <summary>What every failure has to look like.</summary>
internal static class Failure
{
    /// <summary>The exit code, nothing on standard output, and one sentence on standard error that names what is wrong.</summary>
    public static void Is(this Outcome outcome, ExitCode code, params string[] named)
    {
        Assert.True(outcome.ErrorLines.Length == 1, $"Not one sentence but:\n{outcome.Error}");
        Assert.Equal((int)code, outcome.ExitCode);
        Assert.Empty(outcome.Output);
        outcome.ErrorLines[0].IsSentenceWith(named);
    }

    /// <summary>One sentence of the program that names what is wrong, with no trace of exceptions.</summary>
    public static void IsSentenceWith(this string line, params string[] named)
    {
        Assert.StartsWith("handwritten: ", line, StringComparison.Ordinal);
        Assert.Matches("[.)]$", line);
        Assert.DoesNotContain("Exception", line, StringComparison.Ordinal);
        Assert.DoesNotContain("unexpected", line, StringComparison.Ordinal);
        Assert.All(named, text => Assert.Contains(text, line, StringComparison.Ordinal));
    }
}
