using System.Text.RegularExpressions;
using Handwritten.Runtime.Evaluation;
using Xunit;

namespace Handwritten.Runtime.Tests.Evaluation;

public class TranscriptSearchTests
{
    private static readonly Transcript Speech = new("", [
        Said(0, 4, " And so, my fellow", new(" And", 0, 1, 1), new(" so,", 1, 2, 1), new(" my", 2, 3, 1), new(" fellow", 3, 4, 1)),
        Said(4, 8, " Americans, ask not\nwhat ASKING is."),
        Said(8, 9, " I ask."),
    ], "en");

    [Fact]
    public void A_word_with_a_time_of_its_own_is_found_there() =>
        Assert.Equal([new SearchHit(2, 3, "And so, ", "my", " fellow")], Find("MY"));

    [Fact]
    public void What_goes_over_the_end_of_a_segment_is_found() =>
        Assert.Equal([new SearchHit(3, 8, "And so, my ", "fellow Americans", ", ask not what ASKING is.")], Find(" fellow   americans"));

    [Theory]
    [InlineData("你好", "世界", "好世")]
    [InlineData(" 你好。", " 世界", "好。世")] // as subtitles are read
    [InlineData("これは", "テスト", "はテ")]
    [InlineData("ภาษา", "ไทย", "ษาไท")]
    [InlineData("你好", " world", "好 world")]
    [InlineData("한국", "한국", "국 한")]
    public void What_goes_over_the_end_of_a_segment_is_found_as_its_script_is_written(string first, string second, string term)
    {
        foreach (Segment[] segments in new Segment[][] { [Said(0, 1, first), Said(1, 2, second)], [Said(0, 1, first, new Word(first, 0, 1, 1)), Said(1, 2, second, new Word(second, 1, 2, 1))] })
        {
            SearchHit hit = Assert.Single(TranscriptSearch.Find(new Transcript("", segments, ""), TranscriptSearch.Pattern(term)));
            Assert.Equal((term, 0.0, 2.0), (hit.Match, hit.Start, hit.End));
        }
    }

    [Fact]
    public void Line_ends_are_blanks() =>
        Assert.Equal([new SearchHit(4, 8, "Americans, ask ", "not what", " ASKING is.")], Find("not what"));

    [Fact]
    public void Case_and_whole_words_matter_if_asked_for()
    {
        Assert.Equal(["ask", "ASK", "ask"], Find("ask").Select(hit => hit.Match));
        Assert.Equal(["ask", "ask"], Find("ask", wholeWords: true).Select(hit => hit.Match));
        Assert.Equal(["ASK"], Find("ASK", matchCase: true).Select(hit => hit.Match));
    }

    [Fact]
    public void A_term_is_taken_literally_unless_it_is_a_regular_expression()
    {
        Assert.Equal(["so,"], Find("so,").Select(hit => hit.Match));
        Assert.Empty(Find("s.,"));
        Assert.Equal(["so,", "ns,"], Find("[a-z]{2},", isRegularExpression: true).Select(hit => hit.Match));
        Assert.Empty(Find("x*", isRegularExpression: true));
        Assert.Throws<RegexParseException>(() => Find("(", isRegularExpression: true));
    }

    [Fact]
    public void Nothing_is_found_where_nothing_is_said() => Assert.Empty(TranscriptSearch.Find(new Transcript("", [], "en"), TranscriptSearch.Pattern("a")));

    private static SearchHit[] Find(string term, bool isRegularExpression = false, bool matchCase = false, bool wholeWords = false) =>
        [.. TranscriptSearch.Find(Speech, TranscriptSearch.Pattern(term, isRegularExpression, matchCase, wholeWords))];

    private static Segment Said(double start, double end, string text, params Word[] words) =>
        new(0, 0, start, end, text, [], 0, 0, 1, 0, words.Length > 0 ? words : null);
}
