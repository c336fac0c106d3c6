namespace Handwritten.Model.Tokenization;

// vocab.json and merges.txt are text and cannot hold a byte such as 0x00 or 0xC3 alone. So GPT-2 writes every byte as
// a visible character: printable ones as themselves, the other 68 as U+0100 and onwards in order (bytes_to_unicode).
//
//     byte   00 01 .. 20 21 22 .. 7E 7F .. A0 A1 .. AC AD AE .. FF
//     char    Ā  ā     Ġ  !  "     ~  ġ     ł  ¡     ¬  Ń  ®     ÿ        " the"  is written  "Ġthe"

/// <summary>The alphabet in which tokenizer files write bytes.</summary>
internal static class ByteAlphabet
{
    private static readonly byte[] ByteOfCharacter = new byte[0x144];

    static ByteAlphabet()
    {
        char next = '\u0100';
        for (int value = 0; value < 256; value++)
        {
            bool printable = value is (>= '!' and <= '~') or (>= 0xA1 and <= 0xAC) or >= 0xAE;
            char character = printable ? (char)value : next++;
            Characters[value] = character;
            ByteOfCharacter[character] = (byte)value;
        }
    }

    /// <summary>The character of every byte.</summary>
    public static char[] Characters { get; } = new char[256];

    /// <summary>The bytes that a token of a tokenizer file stands for; null if it has other characters.</summary>
    public static byte[]? ToBytes(string token)
    {
        byte[] bytes = new byte[token.Length];
        for (int i = 0; i < bytes.Length; i++)
        {
            char character = token[i];
            bytes[i] = character < ByteOfCharacter.Length ? ByteOfCharacter[character] : (byte)0;
            if (Characters[bytes[i]] != character)
            {
                return null;
            }
        }

        return bytes;
    }
}
