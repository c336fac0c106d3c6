namespace Handwritten.Runtime.Output;

/// <summary>
/// A transcript that cannot be read. The message is one sentence for the person at the keyboard: what is wrong, where,
/// and what to do.
/// </summary>
public sealed class TranscriptException : Exception
{
    /// <summary>Creates the exception with its sentence.</summary>
    public TranscriptException(string message)
        : base(message)
    {
    }

    /// <summary>Creates the exception with its sentence and the cause.</summary>
    public TranscriptException(string message, Exception innerException)
        : base(message, innerException)
    {
    }
}
