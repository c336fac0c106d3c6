namespace Handwritten.Runtime;

/// <summary>
/// A transcription that begins when it is enumerated: <c>await foreach</c> gives the segments as they are recognised,
/// <see cref="ToTranscriptAsync"/> waits for all of them. Each enumeration transcribes anew.
/// </summary>
public sealed class PendingTranscription : IAsyncEnumerable<Segment>
{
    private readonly Func<Action<Transcript>, CancellationToken, IAsyncEnumerable<Segment>> _start;

    /// <param name="start">Begins; gives the transcript to its first parameter when it is whole.</param>
    internal PendingTranscription(Func<Action<Transcript>, CancellationToken, IAsyncEnumerable<Segment>> start) => _start = start;

    /// <summary>Begins. Whoever stops enumerating early ends the transcription.</summary>
    /// <param name="cancellationToken">Ends it; besides the one given before.</param>
    public IAsyncEnumerator<Segment> GetAsyncEnumerator(CancellationToken cancellationToken = default) =>
        _start(_ => { }, cancellationToken).GetAsyncEnumerator(cancellationToken);

    /// <summary>Transcribes all of the recording.</summary>
    /// <returns>The segments, their text and the language.</returns>
    public async Task<Transcript> ToTranscriptAsync()
    {
        Transcript? transcript = null;
        await foreach (Segment _ in _start(whole => transcript = whole, CancellationToken.None).ConfigureAwait(false))
        {
            // They are in the transcript.
        }

        return transcript!;
    }
}
