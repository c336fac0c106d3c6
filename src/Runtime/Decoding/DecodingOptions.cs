using Handwritten.Model.Tokenization;

namespace Handwritten.Runtime.Decoding;

/// <summary>
/// How a window is decoded. Source: openai/whisper, decoding.py, DecodingOptions; the last three options are
/// faster-whisper's and Hugging Face's.
/// </summary>
public sealed record DecodingOptions
{
    /// <summary>The most beams, or samples, of a window.</summary>
    public const int MostLanes = 100;

    /// <summary>Code of the spoken language, such as "en"; null where the model knows only English.</summary>
    public string? Language { get; init; }

    /// <summary>Write what was said, or translate it to English.</summary>
    public SpeechTask Task { get; init; } = SpeechTask.Transcribe;

    /// <summary>0 takes the most probable token each time; above, tokens are drawn, the more freely the higher it is.</summary>
    public double Temperature { get; init; }

    /// <summary>How many texts are drawn at a temperature above 0; the best of them counts. Null for one.</summary>
    public int? BestOf { get; init; }

    /// <summary>How many texts beam search follows at temperature 0; null for none of it.</summary>
    public int? BeamSize { get; init; }

    /// <summary>Beam search ends when beams · patience texts have ended. Null (or 0, as in the original) for 1.</summary>
    public double? Patience { get; init; }

    /// <summary>
    /// How texts of different lengths are compared: log-probability / ((5 + tokens) / 6) to the power of this, from 0 to 1;
    /// null: log-probability / tokens.
    /// </summary>
    public double? LengthPenalty { get; init; }

    /// <summary>Where drawing begins: the same seed gives the same text.</summary>
    public ulong Seed { get; init; }

    /// <summary>Plain text without time marks.</summary>
    public bool WithoutTimestamps { get; init; }

    /// <summary>The latest time of the first timestamp, in seconds; null or 0 for no limit, as in the original.</summary>
    public double? MaxInitialTimestamp { get; init; } = 1.0;

    /// <summary>Whether the text must not begin with a blank.</summary>
    public bool SuppressBlank { get; init; } = true;

    /// <summary>
    /// Tokens that are never chosen; −1 stands for the tokenizer's list of non-speech tokens. Specials that are no text
    /// are added to any list but the empty one, which forbids nothing at all.
    /// </summary>
    public IReadOnlyList<int> SuppressTokens { get; init; } = [-1];

    /// <summary>The text before this window, of which the last 223 tokens count; null for none.</summary>
    public Prompt? Prompt { get; init; }

    /// <summary>What this window's text begins with; null for nothing.</summary>
    public Prompt? Prefix { get; init; }

    /// <summary>The most tokens of a window; null (or 0, as in the original) for half of the decoder's context, 224.</summary>
    public int? SampleLength { get; init; }

    /// <summary>The most tokens of a window as faster-whisper has it: any number that leaves room for the start sequence.</summary>
    public int? MaxNewTokens { get; init; }

    /// <summary>Above 1, tokens that the window already has become less probable; see <see cref="Decoding.RepetitionPenalty"/>.</summary>
    public double RepetitionPenalty { get; init; } = 1;

    /// <summary>No sequence of this many tokens comes twice in a window; 0 for no such rule.</summary>
    public int NoRepeatNgramSize { get; init; }

    /// <summary>Sequences that are under way at the same time.</summary>
    public int Lanes => BeamSize ?? BestOf ?? 1;

    /// <summary>
    /// Refuses what makes no sense. Source: openai/whisper, decoding.py, DecodingTask._verify_options, and what fails later there.
    /// </summary>
    /// <param name="vocabulary">Tokens of the model.</param>
    /// <exception cref="OptionsException">Options contradict each other, or a number makes no sense.</exception>
    public void Verify(int vocabulary)
    {
        OptionsException.RequirePart("suppress_tokens", SuppressTokens);
        OptionsException.Require(Task is SpeechTask.Transcribe or SpeechTask.Translate, $"task must be transcribe or translate, but it is {Task}.");
        OptionsException.Require(BeamSize is null || BestOf is null, $"beam_size and best_of exclude each other: beam search draws nothing.");
        OptionsException.Require(BestOf is null || Temperature > 0, $"best_of needs a temperature above 0: at 0 all samples are the same.");
        OptionsException.Require(Patience is null || BeamSize is not null, $"patience needs beam_size: it says how long a beam search goes on.");
        OptionsException.Require(BeamSize is null or (>= 1 and <= MostLanes), $"beam_size must be from 1 to {MostLanes}, but it is {BeamSize}.");
        OptionsException.Require(BestOf is null or (>= 1 and <= MostLanes), $"best_of must be from 1 to {MostLanes}, but it is {BestOf}.");
        OptionsException.Require(double.IsFinite(Temperature) && Temperature >= 0, $"temperature must be a number from 0 on, but it is {Temperature}.");
        OptionsException.Require(LengthPenalty is null or (>= 0 and <= 1), $"length_penalty must be from 0 to 1, but it is {LengthPenalty}.");
        OptionsException.Require(Patience is null or (>= 0 and <= 1000), $"patience must be from 0 to 1000, but it is {Patience}.");
        OptionsException.Require(
            BeamSize is not int beams || BeamSearch.CandidateLimit(beams, Patience) > 0,
            $"patience {Patience} is too small for {BeamSize} beams: not one text would be finished.");
        OptionsException.Require(MaxInitialTimestamp is null or (>= 0 and <= double.MaxValue), $"max_initial_timestamp must not be below 0, but it is {MaxInitialTimestamp}.");
        OptionsException.Require(SampleLength is null or >= 0, $"sample_len must not be below 0, but it is {SampleLength}.");
        OptionsException.Require(MaxNewTokens is null or >= 1, $"max_new_tokens must be at least 1, but it is {MaxNewTokens}.");
        OptionsException.Require(RepetitionPenalty is >= 1e-3 and <= 1000, $"repetition_penalty must be from 0.001 to 1000, but it is {RepetitionPenalty}.");
        OptionsException.Require(NoRepeatNgramSize >= 0, $"no_repeat_ngram_size must not be below 0, but it is {NoRepeatNgramSize}.");
        Prompt?.Verify("prompt", vocabulary);
        Prefix?.Verify("prefix", vocabulary);
        foreach (int token in SuppressTokens)
        {
            OptionsException.Require(token >= -1 && token < vocabulary, $"suppress_tokens names the token {token}, but this model has the tokens 0 to {vocabulary - 1}.");
        }
    }
}
