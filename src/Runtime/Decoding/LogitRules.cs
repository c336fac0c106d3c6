using Handwritten.Kernels;
using Handwritten.Model;
using Handwritten.Model.Tokenization;

namespace Handwritten.Runtime.Decoding;

/// <summary>Which rules hold for a window, in the order in which they are applied.</summary>
internal static class LogitRules
{
    /// <summary>Makes the rules. Source: openai/whisper, decoding.py, DecodingTask.__init__.</summary>
    public static ILogitRule[] For(DecodingOptions options, WhisperTokenizer tokenizer)
    {
        List<ILogitRule> rules = [];

        // Before the others, as in CTranslate2: a penalty moves a logit, and what is forbidden stays forbidden.
        if (options.RepetitionPenalty != 1)
        {
            rules.Add(new RepetitionPenalty((float)options.RepetitionPenalty));
        }

        if (options.NoRepeatNgramSize > 0)
        {
            rules.Add(new NoRepeatNgram(options.NoRepeatNgramSize));
        }

        if (options.SuppressBlank)
        {
            rules.Add(new SuppressBlank(tokenizer.BlankTokens));
        }

        if (options.SuppressTokens.Count > 0)
        {
            rules.Add(new SuppressTokens(Suppressed(options, tokenizer)));
        }

        if (!options.WithoutTimestamps)
        {
            rules.Add(new TimestampRules(tokenizer.Special, MaxInitialIndex(options)));
        }

        return [.. rules];
    }

    /// <summary>The same rules for a back end that chooses by itself; those about repetitions it does not know.</summary>
    public static ChoiceRules ForChoice(DecodingOptions options, WhisperTokenizer tokenizer, int context) => new()
    {
        EndOfText = tokenizer.Special.EndOfText,
        NoSpeech = tokenizer.Special.NoSpeech,
        MaxTokens = Math.Min(StartSequence.SampleLength(options, context), context),
        Never = options.SuppressTokens.Count > 0 ? Suppressed(options, tokenizer) : [],
        NeverFirst = options.SuppressBlank ? tokenizer.BlankTokens : [],
        Timestamps = options.WithoutTimestamps ? null : new TimestampGrammar(tokenizer.Special.TimestampBegin, tokenizer.Special.NoTimestamps, MaxInitialIndex(options)),
        Temperature = options.Temperature,
        Seed = options.Seed,
    };

    private static int[] Suppressed(DecodingOptions options, WhisperTokenizer tokenizer) =>
        [.. options.SuppressTokens.SelectMany(token => token == -1 ? tokenizer.NonSpeechTokens : [token]).Union(NeverText(tokenizer.Special))];

    private static int? MaxInitialIndex(DecodingOptions options) => options.MaxInitialTimestamp is double seconds and not 0
        ? (int)Math.Round(seconds / WhisperAudio.SecondsPerTimestamp, MidpointRounding.ToEven)
        : null;

    /// <summary>Specials that only ever stand before the text. Source: DecodingTask._get_suppress_tokens.</summary>
    private static int[] NeverText(SpecialTokens special) =>
        [special.Transcribe, special.Translate, special.StartOfTranscript, special.StartOfPrevious, special.StartOfLanguageModel, special.NoSpeech];
}
