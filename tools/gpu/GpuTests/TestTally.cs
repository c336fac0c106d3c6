using Xunit.Abstractions;

namespace Handwritten.Tools.GpuTests;

/// <summary>How many tests ended how; says which failed, and why.</summary>
internal sealed class TestTally
{
    public int Passed { get; private set; }

    public int Failed { get; private set; }

    public int Skipped { get; private set; }

    /// <summary>Looks at one message of xunit's.</summary>
    public void Count(IMessageSinkMessage message)
    {
        switch (message)
        {
            case ITestPassed:
                Passed++;
                break;
            case ITestSkipped:
                Skipped++;
                break;
            case ITestFailed failed:
                Fail(failed.Test.DisplayName, failed);
                break;
            case IErrorMessage error:
                Fail("error", error);
                break;
            case ITestClassCleanupFailure failure:
                Fail(failure.TestClass.Class.Name, failure);
                break;
            case ITestCollectionCleanupFailure failure:
                Fail(failure.TestCollection.DisplayName, failure);
                break;
        }
    }

    private void Fail(string what, IFailureInformation why)
    {
        Failed++;
        Console.WriteLine($"failed: {what}: {string.Join(" ", why.Messages).ReplaceLineEndings(" ")}");
    }
}
