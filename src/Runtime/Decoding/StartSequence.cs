using Handwritten.Kernels;
using Handwritten.Model.Tokenization;

namespace Handwritten.Runtime.Decoding;

/// <summary>
/// What the decoder is given before it may choose:
/// <code>
///     [&lt;|startofprev|&gt; prompt ...] &lt;|startoftranscript|&gt; [&lt;|en|&gt; &lt;|transcribe|&gt;] [&lt;|notimestamps|&gt;] [prefix ...]
///      └─ only with a prompt ─────┘                        └ multilingual ──┘
/// </code>
/// Source: openai/whisper, decoding.py, DecodingTask._get_initial_tokens.
/// </summary>
/// <param name="Tokens">The sequence.</param>
/// <param name="StartIndex">Where &lt;|startoftranscript|&gt; stands in it.</param>
internal sealed record StartSequence(int[] Tokens, int StartIndex)
{
    /// <summary>The most <see cref="Outputs"/> of a sequence.</summary>
    public const int MostOutputs = 2;

    /// <summary>Positions whose logits are wanted: where the transcript starts, which tells whether there is speech, and the last.</summary>
    public int Outputs => StartIndex == Tokens.Length - 1 ? 1 : MostOutputs;

    /// <summary>Lays the sequence out.</summary>
    /// <param name="options">What it is made of.</param>
    /// <param name="tokenizer">Turns texts into tokens.</param>
    /// <param name="context">Tokens that the decoder holds.</param>
    /// <exception cref="OptionsException">It does not fit into the decoder.</exception>
    /// <exception cref="TokenizationException">A text has special tokens in it.</exception>
    public static StartSequence For(DecodingOptions options, WhisperTokenizer tokenizer, int context)
    {
        List<int> tokens = [];
        if (options.Prompt is { IsEmpty: false } prompt)
        {
            tokens.Add(tokenizer.Special.StartOfPrevious);
            tokens.AddRange(prompt.Encode(tokenizer).TakeLast((context / 2) - 1));
        }

        int start = tokens.Count;
        tokens.AddRange(tokenizer.Special.StartSequence(options.Language, options.Task, timestamps: !options.WithoutTimestamps));

        // The prefix takes its room from the window's tokens. As in the original, it may be of any length without a limit on
        // those, and beyond half the context the limit takes from the prefix's beginning.
        int room = (context / 2) - SampleLength(options, context);
        IReadOnlyList<int> prefix = options.Prefix is { IsEmpty: false } given ? given.Encode(tokenizer) : [];
        tokens.AddRange(room > 0 ? prefix.TakeLast(room) : prefix.Skip(-room));
        if (tokens.Count + (options.MaxNewTokens ?? 0) > context)
        {
            throw new OptionsException(options.MaxNewTokens is int wanted && tokens.Count <= context
                ? $"The window begins with {tokens.Count} tokens of prompt and prefix, so max_new_tokens must be at most {context - tokens.Count}, but it is {wanted}."
                : $"Prompt and prefix make {tokens.Count} tokens, but the decoder holds {context}: shorten the prefix.");
        }

        return new StartSequence([.. tokens], start);
    }

    /// <summary>The most tokens to choose.</summary>
    public static int SampleLength(DecodingOptions options, int context) =>
        options.MaxNewTokens ?? (options.SampleLength is int given and not 0 ? given : context / 2);

    /// <summary>Adds the whole sequence to a decoder pass.</summary>
    public void Feed(DecoderRows rows, int lane, int window)
    {
        for (int position = 0; position < Tokens.Length; position++)
        {
            rows.Add(Tokens[position], lane, position, window, wantsLogits: position == StartIndex || position == Tokens.Length - 1);
        }
    }
}
