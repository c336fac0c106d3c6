namespace Handwritten.Runtime.Serving;

/// <summary>
/// What an engine does and has done. The first group says how it stands; the others only grow, so that rates are differences
/// between two looks.
/// </summary>
public sealed record EngineStatistics
{
    /// <summary>Requests of each <see cref="RequestPriority"/> of which no window has been taken up.</summary>
    public required IReadOnlyList<int> Waiting { get; init; }

    /// <summary>Requests that are under way.</summary>
    public required int Active { get; init; }

    /// <summary>Windows that are listened to.</summary>
    public required int WindowsInUse { get; init; }

    /// <summary>Windows that there are.</summary>
    public required int Windows { get; init; }

    /// <summary>Lanes that hold a sequence.</summary>
    public required int LanesInUse { get; init; }

    /// <summary>Lanes that there are.</summary>
    public required int Lanes { get; init; }

    /// <summary>Requests that were transcribed to the end.</summary>
    public required long Completed { get; init; }

    /// <summary>Requests that were cancelled.</summary>
    public required long Cancelled { get; init; }

    /// <summary>Requests that failed after they had been accepted.</summary>
    public required long Failed { get; init; }

    /// <summary>Requests that were refused because the queue was full.</summary>
    public required long Refused { get; init; }

    /// <summary>Seconds of audio of the completed requests.</summary>
    public required double AudioSeconds { get; init; }

    /// <summary>Seconds that requests waited for their first window, all together.</summary>
    public required double QueueSeconds { get; init; }

    /// <summary>Requests that <see cref="QueueSeconds"/> is about.</summary>
    public required long Begun { get; init; }

    /// <summary>Passes of the encoder.</summary>
    public required long EncoderPasses { get; init; }

    /// <summary>Windows that went through the encoder.</summary>
    public required long EncodedWindows { get; init; }

    /// <summary>Windows whose encoding was not repeated: the decoder listened to the same frames already.</summary>
    public required long WindowsHeardAgain { get; init; }

    /// <summary>Steps of the decoder.</summary>
    public required long Steps { get; init; }

    /// <summary>Rows of all steps: divided by <see cref="Steps"/>, the mean number of sequences that shared one.</summary>
    public required long StepRows { get; init; }

    /// <summary>Tokens chosen, of all attempts.</summary>
    public required long Tokens { get; init; }

    /// <summary>Seconds that the engine has computed.</summary>
    public required double BusySeconds { get; init; }
}
