using Handwritten.Model.Configuration;

namespace Handwritten.Model.Tokenization;

// The tokens that are no text. A Whisper vocabulary is laid out as
//
//     0 ... | eot sot | en zh de ... | translate transcribe | startoflm startofprev nospeech notimestamps | 0.00 ... 30.00
//     text    50257     99 or 100      the task               marks                                         1501 times
//
// and a decoder starts with <|startoftranscript|><|en|><|transcribe|>, preceded by <|startofprev|> and some text if
// there is any, followed by <|notimestamps|> or by the first time. English-only models have the same tokens, one id
// lower, but were trained without language and task.
//
// The ids come from the model's files. Early folders end at <|notimestamps|>: the times then follow it, and they write
// <|nocaptions|> for what openai/whisper calls <|nospeech|>.

/// <summary>What the decoder is asked to write.</summary>
public enum SpeechTask
{
    /// <summary>What is said, in the language it is said in.</summary>
    Transcribe,

    /// <summary>What is said, in English.</summary>
    Translate,
}

/// <summary>Ids of the special tokens of a model (the properties of <c>Tokenizer</c> in openai/whisper).</summary>
public sealed class SpecialTokens
{
    /// <summary>Number of timestamp tokens: 0.00 to 30.00 seconds.</summary>
    public const int TimestampCount = (WhisperAudio.WindowFrames / WhisperAudio.FramesPerTimestamp) + 1;

    private readonly Dictionary<string, int> _ids;
    private readonly Dictionary<string, int> _languages;

    internal SpecialTokens(TokenizerFiles files, WhisperConfig config, GenerationConfig generation)
    {
        _ids = Collect(files, config, generation);
        LongestText = _ids.Keys.Max(text => text.Length);
        IsMultilingual = generation.IsMultilingual;
        EndOfText = this["<|endoftext|>"];
        StartOfTranscript = this["<|startoftranscript|>"];
        Translate = this["<|translate|>"];
        Transcribe = this["<|transcribe|>"];
        StartOfLanguageModel = this["<|startoflm|>"];
        StartOfPrevious = this["<|startofprev|>"];
        NoSpeech = this["<|nospeech|>"];
        NoTimestamps = this["<|notimestamps|>"];
        TimestampBegin = this[TimestampText(0)];

        _languages = _ids
            .Select(token => (Code: token.Key[2..^2], Text: token.Key, Id: token.Value))
            .Where(token => Languages.Names.ContainsKey(token.Code) || generation.LanguageIds.ContainsKey(token.Text))
            .OrderBy(token => token.Id)
            .ToDictionary(token => token.Code, token => token.Id);
        LanguageCodes = [.. _languages.Keys];
        LanguageTokens = [.. _languages.Values];
    }

    /// <summary>Whether the model knows other languages than English, and so wants a language and a task.</summary>
    public bool IsMultilingual { get; }

    /// <summary>Ids of all special tokens by their text.</summary>
    public IReadOnlyDictionary<string, int> Ids => _ids;

    /// <summary>Characters of the longest of them.</summary>
    internal int LongestText { get; }

    /// <summary><c>&lt;|endoftext|&gt;</c>, eot. All special tokens have this id or a higher one.</summary>
    public int EndOfText { get; }

    /// <summary><c>&lt;|startoftranscript|&gt;</c>, sot.</summary>
    public int StartOfTranscript { get; }

    /// <summary><c>&lt;|translate|&gt;</c>.</summary>
    public int Translate { get; }

    /// <summary><c>&lt;|transcribe|&gt;</c>.</summary>
    public int Transcribe { get; }

    /// <summary><c>&lt;|startoflm|&gt;</c>, sot_lm.</summary>
    public int StartOfLanguageModel { get; }

    /// <summary><c>&lt;|startofprev|&gt;</c>, sot_prev: the text so far follows it.</summary>
    public int StartOfPrevious { get; }

    /// <summary><c>&lt;|nospeech|&gt;</c>.</summary>
    public int NoSpeech { get; }

    /// <summary><c>&lt;|notimestamps|&gt;</c>.</summary>
    public int NoTimestamps { get; }

    /// <summary><c>&lt;|0.00|&gt;</c>; the other timestamps follow it.</summary>
    public int TimestampBegin { get; }

    /// <summary><c>&lt;|30.00|&gt;</c>.</summary>
    public int TimestampEnd => TimestampBegin + TimestampCount - 1;

    /// <summary>Codes of the languages that have a token, in the order of the tokens.</summary>
    public IReadOnlyList<string> LanguageCodes { get; }

    /// <summary>Ids of the language tokens, ascending.</summary>
    public IReadOnlyList<int> LanguageTokens { get; }

    /// <summary>The id of a special token.</summary>
    private int this[string text] => _ids.TryGetValue(text, out int id)
        ? id
        : throw new ModelException($"The tokenizer has no {text}; take the tokenizer files of a Whisper model.");

    /// <summary>The id of a language's token.</summary>
    /// <param name="code">The language's code.</param>
    /// <exception cref="TokenizationException">The model has no such language.</exception>
    public int LanguageToken(string code) => _languages.TryGetValue(code, out int id)
        ? id
        : throw new TokenizationException($"This model does not know the language \"{code}\"; it has {string.Join(", ", LanguageCodes)}.");

    /// <summary>
    /// The code of the language that a model decodes when asked for one: English if it is not asked, and null for
    /// English-only models, which ignore the wish.
    /// </summary>
    /// <param name="language">Code, name or other name of a language in any case; null for the default.</param>
    /// <exception cref="TokenizationException">Whisper has no such language.</exception>
    public string? ResolveLanguage(string? language)
    {
        string code = Languages.ToCode(language ?? "en");
        return IsMultilingual ? code : null;
    }

    /// <summary>
    /// The tokens that start a transcript (<c>sot_sequence</c>, or <c>sot_sequence_including_notimestamps</c>).
    /// </summary>
    /// <param name="language">Code or name of the language; null for the default.</param>
    /// <param name="task">What to write; English-only models ignore it.</param>
    /// <param name="timestamps">Whether the decoder is to write times.</param>
    /// <exception cref="TokenizationException">The model has no such language.</exception>
    public int[] StartSequence(string? language = null, SpeechTask task = SpeechTask.Transcribe, bool timestamps = true)
    {
        string? code = ResolveLanguage(language);
        int[] languageAndTask = code is null ? [] : [LanguageToken(code), task == SpeechTask.Translate ? Translate : Transcribe];
        int[] withoutTimes = timestamps ? [] : [NoTimestamps];
        return [StartOfTranscript, .. languageAndTask, .. withoutTimes];
    }

    private static string TimestampText(int index) => $"<|{index / 50}.{index % 50 * 2:00}|>";

    /// <summary>Whether a text has the form of a special token.</summary>
    internal static bool IsSpecial(string text) =>
        text.Length > 4 && text.StartsWith("<|", StringComparison.Ordinal) && text.EndsWith("|>", StringComparison.Ordinal);

    /// <summary>All special tokens that any file of the folder gives an id, if the files agree.</summary>
    private static Dictionary<string, int> Collect(TokenizerFiles files, WhisperConfig config, GenerationConfig generation)
    {
        Dictionary<string, int> ids = [];
        foreach ((string text, int id) in files.Added.Concat(files.Vocabulary.Where(token => token.Key == "<|endoftext|>")))
        {
            if (IsSpecial(text))
            {
                Agree(text == "<|nocaptions|>" ? "<|nospeech|>" : text, id, "the tokenizer files");
            }
        }

        Agree("<|endoftext|>", config.EndOfText, "eos_token_id");
        Agree("<|startoftranscript|>", config.DecoderStart, "decoder_start_token_id");
        Agree("<|startofprev|>", generation.StartOfPrevious, "prev_sot_token_id");
        Agree("<|notimestamps|>", generation.NoTimestamps, "no_timestamps_token_id");
        foreach ((string text, int id) in generation.LanguageIds)
        {
            Agree(text, id, "lang_to_id");
        }

        foreach ((string task, int id) in generation.TaskIds)
        {
            Agree($"<|{task}|>", id, "task_to_id");
        }

        if (ids.TryGetValue("<|notimestamps|>", out int last))
        {
            int first = ids.GetValueOrDefault(TimestampText(0), last + 1);
            for (int index = 0; index < TimestampCount; index++)
            {
                Agree(TimestampText(index), first + index, "the order of the times");
            }
        }

        int vocabulary = config.Dimensions.Vocabulary;
        (string highestText, int highest) = ids.MaxBy(token => token.Value);
        return highest < vocabulary
            ? ids
            : throw new ModelException($"The tokenizer files give {highestText} the id {highest}, but the model's \"vocab_size\" is {vocabulary}; take the tokenizer and {WhisperConfig.FileName} of the same model.");

        void Agree(string text, int? id, string source)
        {
            if (!IsSpecial(text))
            {
                throw new ModelException($"The key \"{text}\" in {source} must be a special token such as <|en|>; download {GenerationConfig.FileName} again.");
            }

            if (id is int value && !ids.TryAdd(text, value) && ids[text] != value)
            {
                throw new ModelException($"The token {text} has the id {ids[text]}, but by {source} it has {value}; take all files of the folder from the same model.");
            }
        }
    }
}
