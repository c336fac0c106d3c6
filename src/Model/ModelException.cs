namespace Handwritten.Model;

/// <summary>
/// A model folder that cannot be used. The message is one sentence for the person at the keyboard: what is wrong,
/// where, and what to do.
/// </summary>
public class ModelException : Exception
{
    /// <summary>Creates the exception with its sentence.</summary>
    public ModelException(string message)
        : base(message)
    {
    }

    /// <summary>Creates the exception with its sentence and the cause.</summary>
    public ModelException(string message, Exception innerException)
        : base(message, innerException)
    {
    }
}
