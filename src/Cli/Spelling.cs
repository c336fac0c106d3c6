namespace Handwritten.Cli;

/// <summary>Finds what somebody meant who mistyped a word.</summary>
internal static class Spelling
{
    /// <summary>Letters of the longest code of a language.</summary>
    private const int LongestCode = 3;

    /// <summary>" Did you mean 'english'?", or nothing where no word is near.</summary>
    public static string Suggest(string word, IEnumerable<string> words)
    {
        (string? nearest, int distance) = words
            .Select(candidate => (candidate, Distance(word.ToLowerInvariant(), candidate.ToLowerInvariant())))
            .DefaultIfEmpty((null!, int.MaxValue))
            .MinBy(pair => pair.Item2);
        return distance <= word.Length / 3 ? $" Did you mean '{nearest}'?" : "";
    }

    /// <summary>
    /// " Did you mean 'japanese'?" for a word that is to be a code or a name. Nobody means the codes beside a wrong one; <c>en-US</c>
    /// has the right one in front, and <c>jp</c> or <c>ger</c> shortens a name: the first that begins so, or at least has these letters.
    /// </summary>
    /// <param name="word">What was typed.</param>
    /// <param name="words">Codes and names, the likeliest first.</param>
    public static string SuggestValue(string word, IEnumerable<string> words)
    {
        string lower = word.ToLowerInvariant(), front = lower.Split('-', '_')[0];
        if (front != lower && words.Contains(front))
        {
            return $" Did you mean '{front}'?";
        }

        if (word.Length > LongestCode)
        {
            return Suggest(word, words);
        }

        string[] names = [.. words.Where(name => name.Length > LongestCode)];
        string? meant = word.Length < 2 ? null : Array.Find(names, name => name.StartsWith(lower, StringComparison.Ordinal)) ?? Array.Find(names, name => Shortens(lower, name));
        return meant is null ? "" : $" Did you mean '{meant}'?";
    }

    /// <summary>Whether a name begins as the word does, and has its other letters in their order.</summary>
    private static bool Shortens(string word, string name)
    {
        int found = 0;
        foreach (char letter in name)
        {
            found += found < word.Length && letter == word[found] ? 1 : 0;
        }

        return name[0] == word[0] && found == word.Length;
    }

    /// <summary>
    /// Levenshtein's distance: the fewest letters to insert, delete or replace. Row i of the table holds the distances
    /// between the first i letters of one word and every beginning of the other; one row is enough.
    /// </summary>
    private static int Distance(string from, string to)
    {
        int[] row = [.. Enumerable.Range(0, to.Length + 1)];
        for (int i = 1; i <= from.Length; i++)
        {
            int diagonal = row[0];
            row[0] = i;
            for (int j = 1; j <= to.Length; j++)
            {
                int replaced = diagonal + (from[i - 1] == to[j - 1] ? 0 : 1);
                diagonal = row[j];
                row[j] = Math.Min(replaced, Math.Min(row[j], row[j - 1]) + 1);
            }
        }

        return row[^1];
    }
}
