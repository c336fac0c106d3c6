namespace Handwritten.Runtime.Decoding.Zlib;

/// <summary>
/// Cuts a text into letters and repetitions as zlib does at its usual level, 6: it follows the last 128 places that begin with the
/// same three bytes, and takes a repetition only if none that begins a byte later is longer.
/// <code>
///     the cat, the hat     t h e _ c a t , _ (4 bytes from 9 back) h a t
/// </code>
/// Source: zlib, deflate.c, deflate_slow and longest_match.
/// </summary>
internal sealed class ZlibMatches
{
    /// <summary>Longer texts are compressed in several blocks, which these are not made for; a window's 224 tokens are never as long.</summary>
    public const int MostBytes = 16_000;

    private const int Shortest = 3, Longest = 258, LongEnough = 128, GoodLength = 8, LazyLength = 16, MostTries = 128, FarForShortest = 4096;
    private const int Hashes = 1 << 15;

    // By the hash of three bytes the last place that has it, and by place the one before. 0 is no place, so that the first is none.
    private readonly ushort[] _last = new ushort[Hashes], _before = new ushort[MostBytes];

    // Zeros follow the text, so that comparing needs no look at its end.
    private readonly byte[] _text = new byte[MostBytes + Longest + Shortest];
    private int _length;

    /// <summary>Cuts a text.</summary>
    /// <param name="text">At most <see cref="MostBytes"/>.</param>
    /// <param name="codes">Takes the letters and repetitions.</param>
    public void Cut(ReadOnlySpan<byte> text, DeflateBlock codes)
    {
        _length = text.Length;
        text.CopyTo(_text);
        _text.AsSpan(_length, Longest + Shortest).Clear();
        Array.Clear(_last);

        bool letterWaits = false;
        int length = Shortest - 1, place = 0;
        for (int at = 0; at < _length;)
        {
            int candidate = Insert(at), earlierLength = length, earlierPlace = place;
            length = Shortest - 1;
            if (candidate != 0 && earlierLength < LazyLength)
            {
                (length, place) = Find(at, candidate, earlierLength, earlierPlace);
                if (length == Shortest && at - place > FarForShortest)
                {
                    length = Shortest - 1;
                }
            }

            if (earlierLength >= Shortest && length <= earlierLength)
            {
                // The one that began a byte earlier stands.
                codes.AddMatch(earlierLength, at - 1 - earlierPlace);
                for (int end = at - 1 + earlierLength; ++at < end;)
                {
                    Insert(at);
                }

                (letterWaits, length) = (false, Shortest - 1);
                continue;
            }

            if (letterWaits)
            {
                codes.AddLetter(_text[at - 1]);
            }

            letterWaits = true;
            at++;
        }

        if (letterWaits)
        {
            codes.AddLetter(_text[_length - 1]);
        }
    }

    /// <summary>Notes a place.</summary>
    /// <returns>The last place with the same hash; 0 for none.</returns>
    private int Insert(int at)
    {
        if (at + Shortest > _length)
        {
            return 0;
        }

        int hash = ((_text[at] << 10) ^ (_text[at + 1] << 5) ^ _text[at + 2]) & (Hashes - 1);
        int before = _last[hash];
        _before[at] = (ushort)before;
        _last[hash] = (ushort)at;
        return before;
    }

    /// <summary>The longest repetition that is longer than the one before, or that one's length where there is none.</summary>
    private (int Length, int Place) Find(int at, int candidate, int length, int place)
    {
        int left = _length - at, enough = Math.Min(LongEnough, left), tries = length >= GoodLength ? MostTries / 4 : MostTries;
        ReadOnlySpan<byte> here = _text.AsSpan(at, Longest);
        do
        {
            if (_text[candidate + length] == here[length])
            {
                int same = here.CommonPrefixLength(_text.AsSpan(candidate, Longest));
                if (same > length)
                {
                    (length, place) = (same, candidate);
                    if (same >= enough)
                    {
                        break;
                    }
                }
            }

            candidate = _before[candidate];
        }
        while (candidate != 0 && --tries != 0);

        return (Math.Min(length, left), place);
    }
}
