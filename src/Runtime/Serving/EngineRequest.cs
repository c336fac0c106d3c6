using Handwritten.Model;
using Handwritten.Runtime.Decoding;
using Handwritten.Runtime.Transcription;
using Handwritten.Runtime.VoiceActivity;

namespace Handwritten.Runtime.Serving;

/// <summary>Who waits for the text; the first come first.</summary>
public enum RequestPriority
{
    /// <summary>Somebody is speaking and watches the text appear.</summary>
    Live,

    /// <summary>Somebody has sent a recording and waits for the answer.</summary>
    Interactive,

    /// <summary>Nobody waits: jobs, archives.</summary>
    Bulk,
}

/// <summary>A recording to transcribe.</summary>
/// <param name="Samples">Mono samples at 16 kHz in [−1, 1]; not changed by the caller until the request has ended.</param>
/// <param name="Options">How to transcribe it.</param>
public sealed record EngineRequest(ReadOnlyMemory<float> Samples, TranscriptionOptions Options)
{
    /// <summary>Who waits for it.</summary>
    public RequestPriority Priority { get; init; } = RequestPriority.Interactive;

    /// <summary>Whose request it is: clients of the same priority get equal shares. Any text, such as the name of an API key.</summary>
    public string Client { get; init; } = "";

    /// <summary>
    /// Parts of the recording that are decoded independently of each other, many at the same time, and without the text
    /// before them: <see cref="SpeechWindows.Collect"/>. Faster for long recordings, and a little less consistent. Null for
    /// one window after the other, each going on where the one before ended. Clips exclude it.
    /// </summary>
    public IReadOnlyList<SpeechWindow>? SpeechWindows { get; init; }

    /// <summary>
    /// The only parts of the recording that are heard, as if they were all of it: its windows go on from each other, and are
    /// not independent. Null for all of it. <see cref="SpeechWindows"/> and clips exclude it.
    /// </summary>
    public SpeechWindow? Speech { get; init; }

    /// <summary>A request for a recording in which speech has been looked for as its options want.</summary>
    /// <param name="recording">The recording.</param>
    /// <exception cref="OptionsException">It is to be cut into windows that overlap, which the engine does not do.</exception>
    public static EngineRequest Of(PreparedRecording recording)
    {
        ArgumentNullException.ThrowIfNull(recording);
        OptionsException.Require(recording.Options.Windows.Overlap is null, $"Windows that overlap are not served: leave chunk_length out, or cut at silences.");
        EngineRequest request = new(recording.Samples, recording.Options);
        return recording switch
        {
            { Windows: { } windows } => request with { SpeechWindows = windows, Options = recording.Options with { Clips = [0] } },
            { Speech: [] } => request with { SpeechWindows = [] },
            { Speech: { } speech } => request with { Speech = new SpeechWindow(speech) },
            _ => request,
        };
    }

    /// <summary>Seconds of the recording.</summary>
    public double Duration => (double)Samples.Length / Audio.AudioClip.SampleRate;

    /// <summary>Windows that it takes at least. A clip is one, however short, and may come again and again.</summary>
    internal int LeastWindows => SpeechWindows?.Count ?? ClipRanges.Lengths(Options.Clips, Duration).Sum(seconds => (int)Math.Ceiling(seconds / WhisperAudio.WindowSeconds));
}
