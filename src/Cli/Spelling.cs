namespace Handwritten.Cli;

/// <summary>Finds what somebody meant who mistyped a word.</summary>
internal static class Spelling
{
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
