using Handwritten.Model.Tokenization;
using Handwritten.Runtime.Decoding;

namespace Handwritten.Runtime.Transcription;

/// <summary>
/// What a window is told was said before it:
/// <code>
///     hotwords | initial prompt | text of earlier windows since the last reset
///                └ in the first window; in every one if it is carried
/// </code>
/// The decoder takes the last 223 tokens of it. Source: openai/whisper, transcribe.py, all_tokens, prompt_reset_since and
/// remaining_prompt; hotwords: faster-whisper, get_prompt.
/// </summary>
internal sealed class PromptHistory
{
    private readonly IReadOnlyList<int> _initial, _hotwords;
    private readonly List<int> _tokens;
    private readonly TranscriptionOptions _options;
    private readonly int _limit;
    private int _resetSince;

    /// <summary>Begins with the initial prompt.</summary>
    /// <param name="options">What the prompt is made of.</param>
    /// <param name="tokenizer">Turns text into tokens.</param>
    /// <param name="limit">The most tokens of a prompt, 223.</param>
    /// <exception cref="TokenizationException">The text has special tokens in it.</exception>
    public PromptHistory(TranscriptionOptions options, WhisperTokenizer tokenizer, int limit)
    {
        (_options, _limit) = (options, limit);
        _initial = options.InitialPrompt?.Encode(tokenizer) ?? [];
        _hotwords = options.Decoding.Prefix is { IsEmpty: false } ? [] : [.. Prompt.FromString(options.Hotwords)?.Encode(tokenizer).Take(limit) ?? []];
        _tokens = [.. _initial];
    }

    /// <summary>The prompt of the next window, as it is now.</summary>
    public IReadOnlyList<int> Next()
    {
        IEnumerable<int> prompt = _options.CarryInitialPrompt ? [.. _initial, .. BesidesInitial()] : _tokens.Skip(_resetSince);

        // Hotwords keep their place; earlier text gets what is left. (faster-whisper takes 223 tokens of either.)
        return _hotwords.Count == 0 ? [.. prompt] : [.. _hotwords, .. prompt.TakeLast(_limit - _hotwords.Count)];
    }

    /// <summary>Appends what a window said.</summary>
    public void Add(IEnumerable<int> tokens) => _tokens.AddRange(tokens);

    /// <summary>Lets later prompts begin here, if a window of this temperature is to be no prompt.</summary>
    public void EndWindow(double temperature)
    {
        if (!_options.ConditionOnPreviousText || temperature > _options.PromptResetOnTemperature)
        {
            _resetSince = _tokens.Count;
        }
    }

    /// <summary>
    /// The text that fits beside a carried initial prompt. As in the original, an initial prompt that fills the room
    /// leaves all of it, and a longer one cuts from the front: both are cut later.
    /// </summary>
    private IEnumerable<int> BesidesInitial()
    {
        List<int> text = [.. _tokens.Skip(Math.Max(_initial.Count, _resetSince))];
        int room = _limit - _initial.Count;
        return room > 0 ? text.TakeLast(room) : text.Skip(-room);
    }
}
