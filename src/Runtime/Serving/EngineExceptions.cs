namespace Handwritten.Runtime.Serving;

/// <summary>The engine's queue is full: try again later. Over HTTP, status 429 with Retry-After.</summary>
/// <param name="message">One sentence about what is full.</param>
/// <param name="retryAfter">When there is likely to be room, by how fast the engine has been lately.</param>
public sealed class EngineBusyException(string message, TimeSpan retryAfter) : Exception(message)
{
    /// <summary>When there is likely to be room.</summary>
    public TimeSpan RetryAfter { get; } = retryAfter;
}

/// <summary>The engine takes no requests any more: it is being shut down. Over HTTP, status 503.</summary>
public sealed class EngineStoppedException() : Exception("The engine is being shut down and takes no further requests.");
