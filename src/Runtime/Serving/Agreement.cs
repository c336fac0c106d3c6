using System.Text;

namespace Handwritten.Runtime.Serving;

/// <summary>
/// Which words of a sentence that is still being spoken can be relied on: those on which two successive hypotheses agree.
/// <code>
///     hypothesis 1    the cat sad                          committed: nothing
///     hypothesis 2    the cat sat on a                     the cat
///     hypothesis 3    the cat sat on the mat               the cat sat on
/// </code>
/// What is committed stays, also where a later hypothesis knows better: of that one only the words behind count. Source:
/// Macháček, Dabre and Bojar, "Turning Whisper into Real-Time Transcription System", 2023, local agreement with n = 2.
/// </summary>
internal sealed class Agreement
{
    /// <summary>How far a word may begin before the end of the last committed one and still follow it.</summary>
    private const double Overlap = 0.1;

    private readonly List<Word> _committed = [];
    private List<Word> _tentative = [];

    /// <summary>The words that will not change.</summary>
    public IReadOnlyList<Word> Committed => _committed;

    /// <summary>The last hypothesis's words behind them.</summary>
    public IReadOnlyList<Word> Tentative => _tentative;

    /// <summary>Hears a hypothesis about the whole sentence.</summary>
    /// <param name="hypothesis">Its words.</param>
    /// <param name="until">No word that ends later is committed: where the sound breaks off, the model guesses how the sentence goes on, and guesses the same twice.</param>
    public void Hear(IReadOnlyList<Word> hypothesis, double until)
    {
        List<Word> tail = Behind(hypothesis);
        int agreed = 0;
        while (agreed < Math.Min(tail.Count, _tentative.Count) && tail[agreed].End <= until && AreSame(tail[agreed], _tentative[agreed]))
        {
            agreed++;
        }

        _committed.AddRange(tail.Take(agreed));
        _tentative = tail[agreed..];
    }

    /// <summary>Hears the last hypothesis: everything is committed, and the next sentence begins.</summary>
    /// <returns>All words of the sentence.</returns>
    public IReadOnlyList<Word> Finish(IReadOnlyList<Word> hypothesis)
    {
        Word[] all = [.. _committed, .. Behind(hypothesis)];
        Forget();
        return all;
    }

    /// <summary>Takes the committed words out: the sentence goes on behind them.</summary>
    public IReadOnlyList<Word> TakeCommitted()
    {
        Word[] words = [.. _committed];
        _committed.Clear();
        return words;
    }

    /// <summary>Begins anew.</summary>
    public void Forget()
    {
        _committed.Clear();
        _tentative = [];
    }

    /// <summary>The words of a hypothesis behind the committed ones: counted if it has the same, or else by their times.</summary>
    private List<Word> Behind(IReadOnlyList<Word> hypothesis)
    {
        bool agrees = hypothesis.Count >= _committed.Count && _committed.Zip(hypothesis).All(pair => AreSame(pair.First, pair.Second));
        return agrees
            ? [.. hypothesis.Skip(_committed.Count)]
            : [.. hypothesis.SkipWhile(word => word.Start < _committed[^1].End - Overlap)];
    }

    /// <summary>Punctuation and case come and go as the sentence goes on.</summary>
    private static bool AreSame(Word one, Word other) => Letters(one.Text) == Letters(other.Text);

    private static string Letters(string word)
    {
        StringBuilder letters = new(word.Length);
        foreach (Rune rune in word.EnumerateRunes().Where(rune => Rune.IsLetterOrDigit(rune)))
        {
            letters.Append(Rune.ToLowerInvariant(rune).ToString());
        }

        return letters.ToString();
    }
}
