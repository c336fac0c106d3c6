using System.Runtime.InteropServices;
using System.Text;
using Handwritten.Model.Configuration;
using Microsoft.ML.Tokenizers;

namespace Handwritten.Model.Tokenization;

// Text to token ids and back, as whisper/tokenizer.py does it with tiktoken.
//
//     text --special tokens cut out--> parts --GptPreTokenizer--> pieces --UTF-8--> bytes --merges--> ids
//     ids --TokenTable--> bytes --UTF-8--> text
//
// The two ways differ: encoding knows words and merges (BytePairEncoder), decoding only joins bytes. Special tokens take
// no part in the first; text that merely looks like one is an error unless the caller says what it is meant to be.

/// <summary>Whisper's tokenizer. It never changes after loading and may be used from several threads.</summary>
public sealed class WhisperTokenizer
{
    /// <summary>Languages written without spaces, whose words are single characters here.</summary>
    private static readonly string[] LanguagesWithoutSpaces = ["zh", "ja", "th", "lo", "my", "yue"];

    // Making the encoder takes longer than everything else together, and nothing but encoding text waits for it.
    private readonly Task<BpeTokenizer> _encoder;
    private readonly TokenTable _table;

    private WhisperTokenizer(Task<BpeTokenizer> encoder, TokenTable table, SpecialTokens special)
    {
        _encoder = encoder;
        _table = table;
        Special = special;
    }

    /// <summary>The tokens that are no text.</summary>
    public SpecialTokens Special { get; }

    /// <summary>
    /// Ids of symbols that are written for sounds and speakers but not spoken, ascending: what
    /// <c>suppress_tokens=-1</c> stands for.
    /// </summary>
    public IReadOnlyList<int> NonSpeechTokens => field ??= Tokenization.NonSpeechTokens.Find(EncodeOrdinary);

    /// <summary>Ids that make an empty text if a transcript starts with them: the space, and end-of-text.</summary>
    public IReadOnlyList<int> BlankTokens => field ??= [.. EncodeOrdinary(" "), Special.EndOfText];

    /// <summary>Reads the tokenizer of a model folder.</summary>
    /// <param name="folder">The model folder.</param>
    /// <param name="config">Its config.json, which fixes the size of the vocabulary.</param>
    /// <param name="generation">Its generation_config.json.</param>
    /// <exception cref="ModelException">
    /// Files are missing, damaged, or contradict each other. (Wrong merges show when the first text is encoded.)
    /// </exception>
    public static WhisperTokenizer Load(string folder, WhisperConfig config, GenerationConfig generation)
    {
        TokenizerFiles files = TokenizerFiles.Read(folder);
        SpecialTokens special = new(files, config, generation);
        Task<BpeTokenizer> encoder = Task.Run(() => BytePairEncoder.Create(files));
        return new WhisperTokenizer(encoder, TokenTable.Create(files, special, config.Dimensions.Vocabulary), special);
    }

    /// <summary>Waits for the encoder, which is made while the rest of a model loads.</summary>
    /// <exception cref="ModelException">The merges contradict the vocabulary.</exception>
    public void EnsureReady() => _encoder.GetAwaiter().GetResult();

    /// <summary>Token ids of a text in which special tokens must not occur.</summary>
    /// <exception cref="TokenizationException">The text has the form of a special token in it.</exception>
    public int[] Encode(string text) =>
        NextSpecial(text, 0, Special.Ids.ContainsKey) is (int start, int length)
            ? throw new TokenizationException($"The text has the special token {text.AsSpan(start, length)} in it; remove it.")
            : EncodeOrdinary(text);

    /// <summary>Token ids of a text in which special tokens are taken for plain text.</summary>
    public int[] EncodeOrdinary(string text)
    {
        // Halves of surrogate pairs are no characters: as in Python, each becomes U+FFFD.
        string valid = Encoding.UTF8.GetString(Encoding.UTF8.GetBytes(text));
        return [.. _encoder.GetAwaiter().GetResult().EncodeToIds(valid, considerNormalization: false)];
    }

    /// <summary>Token ids of a text in which special tokens stand for themselves.</summary>
    /// <param name="text">The text.</param>
    /// <param name="allowed">The special tokens that do so, others are taken for plain text; null for all.</param>
    public int[] EncodeWithSpecial(string text, IReadOnlySet<string>? allowed = null)
    {
        Func<string, bool> isSpecial = allowed is null
            ? Special.Ids.ContainsKey
            : token => allowed.Contains(token) && Special.Ids.ContainsKey(token);
        List<int> tokens = [];
        int position = 0;
        while (NextSpecial(text, position, isSpecial) is (int start, int length))
        {
            tokens.AddRange(EncodeOrdinary(text[position..start]));
            tokens.Add(Special.Ids[text.Substring(start, length)]);
            position = start + length;
        }

        return [.. tokens, .. EncodeOrdinary(text[position..])];
    }

    /// <summary>The text of some tokens without the timestamps. Broken UTF-8 becomes U+FFFD.</summary>
    /// <exception cref="TokenizationException">A number is no token.</exception>
    public string Decode(ReadOnlySpan<int> tokens)
    {
        List<int> kept = new(tokens.Length);
        foreach (int token in tokens)
        {
            if (token < Special.TimestampBegin)
            {
                kept.Add(token);
            }
        }

        return _table.Decode(CollectionsMarshal.AsSpan(kept));
    }

    /// <summary>The text of some tokens with timestamps written like <c>&lt;|1.08|&gt;</c>.</summary>
    /// <exception cref="TokenizationException">A number is no token.</exception>
    public string DecodeWithTimestamps(ReadOnlySpan<int> tokens) => _table.Decode(tokens);

    /// <summary>The UTF-8 bytes of a token, which may be a part of a character.</summary>
    /// <exception cref="TokenizationException">The number is no token.</exception>
    public ReadOnlySpan<byte> Bytes(int token) => _table.Bytes(token);

    /// <summary>Groups tokens to the words of a language.</summary>
    /// <param name="tokens">Token ids, usually with end-of-text at the end.</param>
    /// <param name="language">The language's code; null for English-only models.</param>
    public IReadOnlyList<WordTokens> SplitToWords(ReadOnlySpan<int> tokens, string? language) =>
        LanguagesWithoutSpaces.Contains(language) ? SplitOnUnicode(tokens) : SplitOnSpaces(tokens);

    /// <summary>Groups tokens to the smallest parts that are whole characters. Incomplete ones at the end are left out.</summary>
    public IReadOnlyList<WordTokens> SplitOnUnicode(ReadOnlySpan<int> tokens) => WordTokens.SplitOnUnicode(tokens, _table);

    /// <summary>Groups tokens to words at spaces and punctuation. Incomplete characters at the end are left out.</summary>
    public IReadOnlyList<WordTokens> SplitOnSpaces(ReadOnlySpan<int> tokens) => WordTokens.SplitOnSpaces(tokens, _table, Special.EndOfText);

    /// <summary>
    /// The first special token at or after a position of a text. Its end is looked for only as far as the longest token goes: a text of
    /// nothing but beginnings takes no longer than any other.
    /// </summary>
    private (int Start, int Length)? NextSpecial(string text, int position, Func<string, bool> isSpecial)
    {
        for (int start = position; (start = text.IndexOf("<|", start, StringComparison.Ordinal)) >= 0; start++)
        {
            int behind = start + "<|".Length;
            int end = text.IndexOf("|>", behind, Math.Max(0, Math.Min(text.Length, start + Special.LongestText) - behind), StringComparison.Ordinal);
            if (end >= 0 && isSpecial(text[start..(end + 2)]))
            {
                return (start, end + 2 - start);
            }
        }

        return null;
    }
}
