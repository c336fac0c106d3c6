namespace Handwritten.Runtime.Hub;

/// <summary>
/// A model that cannot be downloaded. The message is one sentence for the person at the keyboard: what is wrong, where,
/// and what to do.
/// </summary>
public class HubException : Exception
{
    /// <summary>Creates the exception with its sentence.</summary>
    public HubException(string message)
        : base(message)
    {
    }

    /// <summary>Creates the exception with its sentence and the cause.</summary>
    public HubException(string message, Exception innerException)
        : base(message, innerException)
    {
    }

    /// <summary>Whether the hub is away, or not itself: it has said nothing about the model, so that what is here already still holds.</summary>
    public bool IsAway { get; init; }
}

/// <summary>What may be gone in a moment: a cut connection, a busy server. It is worth another try.</summary>
internal sealed class PassingTroubleException : HubException
{
    /// <summary>Creates the exception with its sentence.</summary>
    /// <param name="message">What to say when all tries have failed.</param>
    /// <param name="wait">How long the server asks to wait.</param>
    public PassingTroubleException(string message, TimeSpan? wait = null)
        : base(message)
    {
        Wait = wait;
        IsAway = true;
    }

    /// <summary>Creates the exception with its sentence and the cause.</summary>
    public PassingTroubleException(string message, Exception innerException)
        : base(message, innerException) => IsAway = true;

    /// <summary>How long the server asks to wait; null if it does not say.</summary>
    public TimeSpan? Wait { get; }
}
