namespace Handwritten.Runtime.Serving;

/// <summary>Something that a live transcription says. Times are seconds since its first sample.</summary>
public abstract record LiveEvent;

/// <summary>The language was detected, before any text; again if it changes before the first <see cref="LiveFinal"/>, which settles it.</summary>
/// <param name="Language">Its code, such as "en".</param>
public sealed record LiveLanguage(string Language) : LiveEvent;

/// <summary>Speech begins.</summary>
/// <param name="Time">Where.</param>
public sealed record LiveSpeechStart(double Time) : LiveEvent;

/// <summary>
/// What has been heard of the sentence that is being spoken. <paramref name="Committed"/> only grows, until a
/// <see cref="LiveFinal"/> begins with it; <paramref name="Tentative"/> may change.
/// </summary>
/// <param name="Committed">The text on which two successive hypotheses agreed.</param>
/// <param name="Tentative">The text behind it, as the last hypothesis has it.</param>
/// <param name="Start">Where the sentence begins.</param>
/// <param name="End">Up to where has been heard.</param>
public sealed record LivePartial(string Committed, string Tentative, double Start, double End) : LiveEvent;

/// <summary>Text that will not change.</summary>
/// <param name="Text">The text.</param>
/// <param name="Start">Its beginning.</param>
/// <param name="End">Its end.</param>
/// <param name="Words">Its words with their times.</param>
public sealed record LiveFinal(string Text, double Start, double End, IReadOnlyList<Word> Words) : LiveEvent;

/// <summary>Speech has ended; what was said is final.</summary>
/// <param name="Time">Where it ended.</param>
public sealed record LiveEndpoint(double Time) : LiveEvent;
