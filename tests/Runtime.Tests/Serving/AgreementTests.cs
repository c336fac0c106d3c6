using Handwritten.Runtime.Serving;
using Xunit;

namespace Handwritten.Runtime.Tests.Serving;

/// <summary>Which words can be relied on.</summary>
public sealed class AgreementTests
{
    [Fact]
    public void Words_are_committed_when_two_hypotheses_agree_on_them()
    {
        Agreement agreement = new();
        agreement.Hear(Words(" the cat sad"), until: 100);
        Assert.Equal("", Text(agreement.Committed));
        agreement.Hear(Words(" The cat, sat on a"), until: 100);
        Assert.Equal(" The cat,", Text(agreement.Committed));
        Assert.Equal(" sat on a", Text(agreement.Tentative));
        agreement.Hear(Words(" the cat sat on the mat"), until: 100);
        Assert.Equal(" The cat, sat on", Text(agreement.Committed));
        Assert.Equal(" the mat", Text(agreement.Tentative));
        Assert.Equal(" The cat, sat on the mat.", Text(agreement.Finish(Words(" the cat sat on the mat."))));
        Assert.Empty(agreement.Committed);
    }

    [Fact]
    public void Committed_words_stay_where_a_later_hypothesis_has_others()
    {
        Agreement agreement = new();
        agreement.Hear(Words(" one two three"), until: 100);
        agreement.Hear(Words(" one two four"), until: 100);
        agreement.Hear(Words(" won too three four five"), until: 100);
        Assert.Equal(" one two", Text(agreement.Committed));
        Assert.Equal(" three four five", Text(agreement.Tentative));
        Assert.Equal(" one two seven", Text(agreement.Finish(Words(" a b seven"))));
    }

    [Fact]
    public void Words_near_the_end_of_the_sound_are_not_committed()
    {
        Agreement agreement = new();
        agreement.Hear(Words(" one two three"), until: 2);
        agreement.Hear(Words(" one two three"), until: 2);
        Assert.Equal(" one two", Text(agreement.Committed));
        agreement.Hear(Words(" one two four"), until: 3);
        agreement.Hear(Words(" one two four"), until: 3);
        Assert.Equal(" one two four", Text(agreement.Committed));
    }

    [Fact]
    public void A_sentence_can_go_on_behind_its_committed_words()
    {
        Agreement agreement = new();
        agreement.Hear(Words(" one two three"), until: 100);
        agreement.Hear(Words(" one two three"), until: 100);
        Assert.Equal(" one two three", Text(agreement.TakeCommitted()));
        agreement.Hear(Words(" four"), until: 100);
        Assert.Equal(" four", Text(agreement.Finish(Words(" four"))));
    }

    /// <summary>Words of a second each.</summary>
    private static Word[] Words(string text) =>
        [.. text.Split(' ', StringSplitOptions.RemoveEmptyEntries).Select((word, i) => new Word(" " + word, i, i + 1, 1))];

    private static string Text(IReadOnlyList<Word> words) => string.Concat(words.Select(word => word.Text));
}
