namespace Handwritten.Runtime.Decoding.Zlib;

/// <summary>
/// How many bits a block of letters and repetitions takes in the deflate format: with the codes that are fixed, or with codes
/// made for it and written before it, whichever is shorter. Which of several best codes zlib makes matters, since they are written
/// with different lengths. Source: zlib, trees.c, _tr_flush_block; RFC 1951.
/// </summary>
internal sealed class DeflateBlock
{
    private const int EndOfBlock = 256, FirstLength = 257, LetterCodes = 286, DistanceCodes = 30, LengthCodes = 19;

    private static readonly byte[] CodeOrder = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15];

    private readonly PrefixCode _letters = new(LetterCodes, longest: 15, FixedLength, code => code < FirstLength + 8 || code == LetterCodes - 1 ? 0 : (code - FirstLength - 4) / 4);
    private readonly PrefixCode _distances = new(DistanceCodes, longest: 15, _ => 5, code => Math.Max(0, (code / 2) - 1));
    private readonly PrefixCode _lengths = new(LengthCodes, longest: 7, _ => 0, code => code switch { 16 => 2, 17 => 3, 18 => 7, _ => 0 });

    /// <summary>Begins a block.</summary>
    public void Clear()
    {
        _letters.Clear();
        _distances.Clear();
        _lengths.Clear();
    }

    /// <summary>Adds a letter.</summary>
    public void AddLetter(byte letter) => _letters.Count(letter);

    /// <summary>Adds a repetition.</summary>
    /// <param name="length">Bytes, 3 to 258.</param>
    /// <param name="distance">How many bytes back they stand, 1 to 32768.</param>
    public void AddMatch(int length, int distance)
    {
        // Four codes for each doubling of lengths and two of distances; the greatest length has one of its own.
        _letters.Count(length == 258 ? LetterCodes - 1 : FirstLength + Graded(length - 3, codes: 4));
        _distances.Count(Graded(distance - 1, codes: 2));
    }

    /// <summary>Ends the block.</summary>
    /// <param name="stored">Bytes of the text.</param>
    /// <returns>Bytes of the block, if it is the only one.</returns>
    public int EndBytes(int stored)
    {
        _letters.Count(EndOfBlock);
        _letters.Build();
        _distances.Build();
        CountLengths(_letters);
        CountLengths(_distances);
        _lengths.Build();
        int written = LengthCodes;
        while (written > 4 && _lengths.LengthOf(CodeOrder[written - 1]) == 0)
        {
            written--;
        }

        int made = Bytes(_letters.Bits + _distances.Bits + _lengths.Bits + (3 * written) + 5 + 5 + 4), unchanged = stored + 4;
        int best = Math.Min(made, Bytes(_letters.FixedBits + _distances.FixedBits));
        return unchanged <= best ? unchanged + 1 : best;
    }

    private static int Bytes(int bits) => (bits + 3 + 7) / 8;

    private static int FixedLength(int code) => code switch { < 144 => 8, < 256 => 9, < 280 => 7, _ => 8 };

    /// <summary>The code of a number where codes stand for ever longer ranges.</summary>
    private static int Graded(int number, int codes)
    {
        if (number < 2 * codes)
        {
            return number;
        }

        int doublings = System.Numerics.BitOperations.Log2((uint)(number / codes));
        return (codes * doublings) + (number >> doublings);
    }

    /// <summary>Counts what the lengths of a code are written with: each by itself, or as repetitions.</summary>
    private void CountLengths(PrefixCode code)
    {
        int previous = -1;
        for (int i = 0; i < code.Used;)
        {
            int length = code.LengthOf(i), most = length == 0 ? 138 : length == previous ? 6 : 7, least = length == 0 || length == previous ? 3 : 4, count = 1;
            while (count < most && i + count < code.Used && code.LengthOf(i + count) == length)
            {
                count++;
            }

            i += count;
            if (count < least)
            {
                _lengths.Count(length, count);
            }
            else if (length != 0)
            {
                _lengths.Count(length, length == previous ? 0 : 1);
                _lengths.Count(16);
            }
            else
            {
                _lengths.Count(count <= 10 ? 17 : 18);
            }

            previous = length;
        }
    }
}
