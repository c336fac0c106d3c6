namespace Handwritten.Load;

/// <summary>What a load test has found; its properties are what is written as JSON.</summary>
internal interface IFindings
{
    /// <summary>What was measured, in a few words.</summary>
    string Title { get; }

    /// <summary>What must not be, such as memory that grows; null if all is well. Speed is never a failure.</summary>
    string? Failure { get; }

    /// <summary>The numbers.</summary>
    Table ToTable();
}
