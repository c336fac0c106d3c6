namespace Handwritten.Runtime.Audio;

/// <summary>
/// A recording that cannot be read. The message is one sentence for the person at the keyboard: what is wrong, where,
/// and what to do.
/// </summary>
public sealed class AudioException : Exception
{
    /// <summary>Creates the exception with its sentence.</summary>
    public AudioException(string message)
        : base(message)
    {
    }

    /// <summary>Creates the exception with its sentence and the cause.</summary>
    public AudioException(string message, Exception innerException)
        : base(message, innerException)
    {
    }
}
