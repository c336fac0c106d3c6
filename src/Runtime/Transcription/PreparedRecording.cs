using Handwritten.Model;
using Handwritten.Model.VoiceActivity;
using Handwritten.Runtime.Audio;
using Handwritten.Runtime.Decoding;
using Handwritten.Runtime.VoiceActivity;

namespace Handwritten.Runtime.Transcription;

/// <summary>
/// A recording that is ready for the model: what in it is to be heard has been found. That needs no Whisper model, so it is
/// done on any thread, while the model is still busy with other recordings or is not even loaded.
/// </summary>
/// <param name="Samples">Mono samples at 16 kHz in [−1, 1]; not changed while it is transcribed.</param>
/// <param name="Options">How to transcribe it. Its windows' options have been applied already.</param>
/// <param name="Speech">What is to be heard of it; null for all.</param>
public sealed record PreparedRecording(ReadOnlyMemory<float> Samples, TranscriptionOptions Options, IReadOnlyList<SpeechRegion>? Speech)
{
    /// <summary>The windows that are heard independently of each other, where the options cut at silences or clips; null elsewhere.</summary>
    public IReadOnlyList<SpeechWindow>? Windows { get; } = Speech is null ? null : Options.Windows.Pack(Speech, Options);

    // One megabyte of numbers that never change. A failure to load them is not kept: they may be there the next time.
    private static readonly Lazy<SileroVad> Vad = new(() => SileroVad.Load(), LazyThreadSafetyMode.PublicationOnly);

    /// <summary>Looks for speech, if the options want that.</summary>
    /// <param name="samples">Mono samples at 16 kHz in [−1, 1]; not changed while it is transcribed.</param>
    /// <param name="options">How to transcribe it.</param>
    /// <param name="cancellation">Ends it.</param>
    /// <exception cref="OptionsException">The options about windows make no sense, or not for this recording.</exception>
    /// <exception cref="AudioException">A sample is no number, or far beyond [−1, 1].</exception>
    /// <exception cref="ModelException">The voice activity network is missing or damaged.</exception>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    public static PreparedRecording Of(ReadOnlyMemory<float> samples, TranscriptionOptions options, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(options);
        options.Windows.Verify(options);
        AudioClip.RequireSound(samples.Span);
        return new PreparedRecording(samples, options, options.Windows.Regions(samples, options, speech => SpeechRegions.Find(Vad.Value, samples, speech, cancellation)));
    }
}
