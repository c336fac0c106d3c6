using System.Buffers;
using System.Text;

namespace Handwritten.Model.Tokenization;

// From ids back to text. A token is a string of bytes and not of characters: a rare character is spread over several
// tokens. So the bytes of all tokens are joined first and decoded as UTF-8 afterwards.
//
//     [172, 253, 247, 224]  ->  F0 9F 99 82  ->  "🙂"          [172, 253]  ->  F0 9F  ->  "�"

/// <summary>The bytes of every token.</summary>
internal sealed class TokenTable
{
    private readonly byte[][] _bytes;

    private TokenTable(byte[][] bytes) => _bytes = bytes;

    /// <summary>Collects the bytes of all tokens of a model.</summary>
    /// <param name="files">Tokens of the byte-pair encoding and those added to it.</param>
    /// <param name="special">The special tokens.</param>
    /// <param name="size">Size of the vocabulary. Ids without a token have no bytes.</param>
    /// <exception cref="ModelException">Two tokens share an id, or one has no place in the vocabulary.</exception>
    public static TokenTable Create(TokenizerFiles files, SpecialTokens special, int size)
    {
        string?[] texts = new string?[size];
        byte[][] bytes = new byte[size][];
        Array.Fill(bytes, []);
        foreach ((string text, int id) in special.Ids)
        {
            Set(id, text, Encoding.UTF8.GetBytes(text));
        }

        foreach ((string text, int id) in files.Vocabulary.Where(token => !special.Ids.ContainsKey(token.Key)))
        {
            Set(id, text, ByteAlphabet.ToBytes(text)
                ?? throw new ModelException($"{files.Origin}: the token \"{text}\" is not written in GPT-2's alphabet of bytes; take the tokenizer files of a Whisper model."));
        }

        // Words that somebody added for a fine-tuned model. Any spelling of a special token is in the table already,
        // and an id beyond the vocabulary cannot come out of the model.
        foreach ((string text, int id) in files.Added.Where(token => token.Value < size && !SpecialTokens.IsSpecial(token.Key)))
        {
            Set(id, text, Encoding.UTF8.GetBytes(text));
        }

        return new TokenTable(bytes);

        void Set(int id, string text, byte[] content)
        {
            if (id >= size)
            {
                throw new ModelException($"{files.Origin}: the token \"{text}\" has the id {id}, but the model's \"vocab_size\" is {size}; take the tokenizer and config.json of the same model.");
            }

            if (texts[id] is string other && other != text)
            {
                throw new ModelException($"{files.Origin}: the tokens \"{other}\" and \"{text}\" share the id {id}; take all files of the folder from the same model.");
            }

            texts[id] = text;
            bytes[id] = content;
        }
    }

    /// <summary>The text of some tokens. Each maximal invalid part of their UTF-8 becomes one U+FFFD.</summary>
    /// <exception cref="TokenizationException">A number is no token.</exception>
    public string Decode(ReadOnlySpan<int> tokens)
    {
        ArrayBufferWriter<byte> text = new(16 + (8 * tokens.Length));
        foreach (int token in tokens)
        {
            text.Write(Bytes(token));
        }

        return Encoding.UTF8.GetString(text.WrittenSpan);
    }

    /// <summary>The bytes of a token, which may be a part of a character.</summary>
    /// <exception cref="TokenizationException">The number is no token.</exception>
    public ReadOnlySpan<byte> Bytes(int token) => (uint)token < (uint)_bytes.Length
        ? _bytes[token]
        : throw new TokenizationException($"There is no token {token}: the vocabulary has the ids 0 to {_bytes.Length - 1}.");
}
