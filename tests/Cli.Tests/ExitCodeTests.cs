using Xunit;

namespace Handwritten.Cli.Tests;

/// <summary>What a failure is for a script.</summary>
public sealed class ExitCodeTests
{
    [Fact]
    public void Too_little_memory_is_no_mistake_of_the_program() =>
        Assert.Equal(ExitCode.UnusableDevice, ExitCodes.Of(new InsufficientMemoryException()));
}
