using Handwritten.Runtime.Decoding;
using Handwritten.Runtime.Transcription;

namespace Handwritten.Runtime.Serving;

/// <summary>How speech is followed while it is spoken.</summary>
public sealed record LiveOptions
{
    /// <summary>
    /// How each hypothesis is decoded. Clips make no sense here; words are found in any case. A null language is detected
    /// in the first sentence. <see cref="TranscriptionOptions.ConditionOnPreviousText"/> lets a sentence begin with the text before it as
    /// its prompt.
    /// </summary>
    public TranscriptionOptions Transcription { get; init; } = new() { ConditionOnPreviousText = false };

    /// <summary>Seconds of new audio before the next hypothesis.</summary>
    public double Interval { get; init; } = 1;

    /// <summary>
    /// Whether there is a hypothesis at every interval, even where more audio is waiting already. Then the events depend on
    /// the samples alone; otherwise a stream that falls behind catches up by leaving hypotheses out.
    /// </summary>
    public bool EveryInterval { get; init; }

    /// <summary>
    /// Words that end in the last seconds of the sound are not committed, however many hypotheses agree on them: where the
    /// sound breaks off, a model guesses, and guesses the same again.
    /// </summary>
    public double HoldBack { get; init; } = 1;

    /// <summary>Seconds of silence that end a sentence.</summary>
    public double EndpointSilence { get; init; } = 0.6;

    /// <summary>Speech begins in 32 ms with at least this probability, and ends below 0.15 less; 0 takes everything for speech.</summary>
    public double SpeechThreshold { get; init; } = 0.5;

    /// <summary>Seconds that are heard before speech is noticed.</summary>
    public double Padding { get; init; } = 0.5;

    /// <summary>Whose stream it is, as in <see cref="EngineRequest.Client"/>.</summary>
    public string Client { get; init; } = "";

    /// <summary>Is told of each hypothesis that the engine has made, on the stream's own thread: whoever measures listens here.</summary>
    public Action<ServedTranscription>? Transcribed { get; init; }

    /// <summary>Refuses what makes no sense.</summary>
    /// <param name="vocabulary">Tokens of the model.</param>
    /// <exception cref="OptionsException">A number makes no sense, or the options of the transcription do not.</exception>
    public void Verify(int vocabulary)
    {
        Transcription.Verify(vocabulary);
        OptionsException.Require(Interval is > 0 and <= 30, $"The interval of hypotheses must be above 0 and at most 30 s, but it is {Interval}.");
        OptionsException.Require(HoldBack is >= 0 and <= 10, $"What is held back must be from 0 to 10 s, but it is {HoldBack}.");
        OptionsException.Require(EndpointSilence is > 0 and <= 10, $"The silence that ends a sentence must be above 0 and at most 10 s, but it is {EndpointSilence}.");
        OptionsException.Require(SpeechThreshold is >= 0 and < 1, $"The threshold of speech must lie between 0 and 1, but it is {SpeechThreshold}.");
        OptionsException.Require(Padding is >= 0 and <= 10, $"What is heard before speech must be from 0 to 10 s, but it is {Padding}.");
    }
}
