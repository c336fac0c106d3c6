namespace Handwritten.Runtime.Audio;

/// <summary>
/// A name with places in it, as in a shell: <c>*</c> for any characters, <c>?</c> for one, <c>[a-c1]</c> for one of these,
/// <c>[!a-c]</c> for one of the others. A bracket that does not close is itself. Source: Python, fnmatch.
/// </summary>
internal static class ShellPattern
{
    /// <summary>Whether a text has such places.</summary>
    public static bool Is(string text) => text.AsSpan().ContainsAny('*', '?', '[');

    /// <summary>Whether a name fits a pattern.</summary>
    public static bool Matches(string pattern, string name, bool ignoreCase)
    {
        if (ignoreCase)
        {
            (pattern, name) = (pattern.ToUpperInvariant(), name.ToUpperInvariant());
        }

        // Of several stars only the last one is given more characters: what fits the ones before it fits as well.
        int place = 0, letter = 0, star = -1, behindStar = 0;
        while (letter < name.Length)
        {
            if (place < pattern.Length && pattern[place] == '*')
            {
                (star, behindStar) = (place++, letter);
            }
            else if (place < pattern.Length && Fits(pattern, place, name[letter]) is int next)
            {
                (place, letter) = (next, letter + 1);
            }
            else if (star >= 0)
            {
                (place, letter) = (star + 1, ++behindStar);
            }
            else
            {
                return false;
            }
        }

        return pattern.AsSpan(place).Trim('*').IsEmpty;
    }

    /// <summary>Where the pattern goes on behind a place that a letter fits; null if it does not.</summary>
    private static int? Fits(string pattern, int place, char letter)
    {
        bool others = place + 1 < pattern.Length && pattern[place + 1] is '!' or '^';
        int first = place + (others ? 2 : 1);

        // A bracket that closes at once would stand for nothing: it is one of the letters.
        int close = pattern[place] == '[' && first < pattern.Length ? pattern.IndexOf(']', first + 1) : -1;
        if (close < 0)
        {
            return pattern[place] == '?' || pattern[place] == letter ? place + 1 : null;
        }

        bool isOne = false;
        for (int i = first; i < close; i++)
        {
            bool isRange = i + 2 < close && pattern[i + 1] == '-';
            char last = pattern[isRange ? i + 2 : i];
            isOne |= letter >= pattern[i] && letter <= last;
            i += isRange ? 2 : 0;
        }

        return isOne != others ? close + 1 : null;
    }
}
