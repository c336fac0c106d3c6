namespace Handwritten.Runtime.Output;

/// <summary>
/// A transcript that cannot be written. The message is one sentence for the person at the keyboard: what is wrong,
/// where, and what to do.
/// </summary>
public sealed class OutputException : Exception
{
    /// <summary>Creates the exception with its sentence.</summary>
    public OutputException(string message)
        : base(message)
    {
    }

    /// <summary>Creates the exception with its sentence and the cause.</summary>
    public OutputException(string message, Exception innerException)
        : base(message, innerException)
    {
    }
}
