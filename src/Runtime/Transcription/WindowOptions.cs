using Handwritten.Model;
using Handwritten.Runtime.Batching;
using Handwritten.Runtime.Decoding;
using Handwritten.Runtime.VoiceActivity;

namespace Handwritten.Runtime.Transcription;

/// <summary>
/// How a recording is cut into what the model hears at once.
/// <code>
///     nothing given      ├──────────┤├────────────┤├───────┤       each window goes on where the text of the one before ended
///     vad_filter         ── ├────────────┤├───────┤                 the same, in the speech alone
///     batch_size         ── ├──────┤ ── ├─────────┤ ── ├───┤        cut at silences, several windows at a time
///     overlap            ├────────────┤
///                                ├────────────┤                     cut by the clock, also several at a time if wanted
/// </code>
/// Source: openai/whisper; faster-whisper's vad_filter and BatchedInferencePipeline; the pipeline of Hugging Face transformers.
/// </summary>
public sealed record WindowOptions
{
    /// <summary>
    /// Windows that are computed at a time, those of several recordings together; null for one after the other. A
    /// window does not know the text before it, and its text does not depend on how many there are.
    /// </summary>
    public int? BatchSize { get; init; }

    /// <summary>Whether silence is left out before the model hears it. Batches leave it out in any case.</summary>
    public bool VadFilter { get; init; }

    /// <summary>What counts as speech; null for faster-whisper's defaults, which are others for batches (<see cref="VoiceActivityOptions.ForWindows"/>).</summary>
    public VoiceActivityOptions? VoiceActivity { get; init; }

    /// <summary>
    /// The longest window of a recording that is cut at silences, in seconds; longer speech is cut at a pause. Source:
    /// faster-whisper, chunk_length of the BatchedInferencePipeline.
    /// </summary>
    public double LongestSeconds { get; init; } = WhisperAudio.WindowSeconds;

    /// <summary>Windows that are cut by the clock and overlap; null for none.</summary>
    public OverlappingWindows? Overlap { get; init; }

    /// <summary>Whether windows are independent of each other, so that they can be computed side by side.</summary>
    public bool IsBatched => BatchSize is not null || Overlap is not null;

    /// <summary>Whether recordings are cut at silences.</summary>
    private bool IsCutAtSilences => BatchSize is not null && Overlap is null;

    /// <summary>Refuses what makes no sense whatever the recording.</summary>
    /// <param name="options">The options that these belong to.</param>
    /// <exception cref="OptionsException">Options contradict each other, or a number makes no sense.</exception>
    public void Verify(TranscriptionOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        OptionsException.Require(
            BatchSize is null or (>= 1 and <= BatchedTranscriber.LargestBatch),
            $"batch_size must be from 1 to {BatchedTranscriber.LargestBatch}, but it is {BatchSize}.");
        OptionsException.Require(
            LongestSeconds is >= 1 and <= WhisperAudio.WindowSeconds,
            $"chunk_length must be from 1 to {WhisperAudio.WindowSeconds} s, which is what the model hears at once, but it is {LongestSeconds}.");
        OptionsException.Require(
            LongestSeconds == WhisperAudio.WindowSeconds || IsCutAtSilences,
            $"There is a longest window, but nothing cuts recordings at silences: give batch_size as well.");
        OptionsException.Require(Overlap is null || !VadFilter, $"chunk_length cuts by the clock, and vad_filter at silences: give only one of them.");
        OptionsException.Require(
            VoiceActivity is null || VadFilter || IsCutAtSilences,
            $"There are options about speech, but nothing looks for it: give vad_filter or batch_size as well.");
        OptionsException.Require(
            !HasClips(options) || !(VadFilter || Overlap is not null),
            $"clip_timestamps names what to transcribe, and so does {(VadFilter ? "vad_filter" : "chunk_length")}: give only one of them.");
        OptionsException.Require(
            options.HallucinationSilenceThreshold is null || Overlap is null,
            $"hallucination_silence_threshold moves windows, and chunk_length fixes them: give only one of them.");
        Overlap?.Verify();
        VoiceActivity?.Verify();
    }

    /// <summary>What of a recording is heard; null for all of it.</summary>
    /// <param name="samples">Mono samples at 16 kHz in [−1, 1].</param>
    /// <param name="options">The options that these belong to.</param>
    /// <param name="findSpeech">Looks for speech by some options.</param>
    /// <exception cref="OptionsException">A clip begins behind the recording's end.</exception>
    internal IReadOnlyList<SpeechRegion>? Regions(
        ReadOnlyMemory<float> samples, TranscriptionOptions options, Func<VoiceActivityOptions, IReadOnlyList<SpeechRegion>> findSpeech) =>
        IsCutAtSilences && HasClips(options) ? SpeechWindows.RegionsOf(options.Clips, samples.Length)
        : IsCutAtSilences ? findSpeech(ForWindows(VoiceActivity ?? VoiceActivityOptions.ForWindows))
        : VadFilter ? findSpeech(VoiceActivity ?? new())
        : null;

    /// <summary>The windows that such regions make: as full as they get of speech, and one for each clip.</summary>
    /// <param name="regions">What is heard.</param>
    /// <param name="options">The options that these belong to.</param>
    /// <returns>The windows; null where they are not independent.</returns>
    internal IReadOnlyList<SpeechWindow>? Pack(IReadOnlyList<SpeechRegion> regions, TranscriptionOptions options)
    {
        int longest = (int)(LongestSeconds * WhisperAudio.SampleRate);
        return !IsCutAtSilences ? null
            : HasClips(options) ? [.. regions.SelectMany(region => SpeechWindows.Collect([region], longest))]
            : SpeechWindows.Collect(regions, longest);
    }

    private VoiceActivityOptions ForWindows(VoiceActivityOptions speech) => speech with { MaxSpeechSeconds = Math.Min(speech.MaxSpeechSeconds, LongestSeconds) };

    private static bool HasClips(TranscriptionOptions options) => options.Clips is not ([] or [0]);
}
