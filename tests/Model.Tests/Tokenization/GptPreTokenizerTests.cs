using System.Text.RegularExpressions;
using FsCheck;
using FsCheck.Fluent;
using FsCheck.Xunit;
using Handwritten.Model.Tokenization;
using Xunit;

namespace Handwritten.Model.Tests.Tokenization;

public partial class GptPreTokenizerTests
{
    private static readonly GptPreTokenizer PreTokenizer = new();

    /// <summary>Characters at which the pattern decides, all of the Basic Multilingual Plane.</summary>
    private static Gen<string> Texts => Gen.Elements(" '\n\t\u00A0\u3000\u001C aszZtrevlmdDéß漢字١9²½Ⅷ.,!-_\u0301\u200D\u2028\uFFFD♪".ToCharArray())
        .ArrayOf()
        .Select(characters => new string(characters));

    [Property(MaxTest = 2000)]
    public Property Pieces_are_the_matches_of_the_pattern() => Prop.ForAll(
        Arb.From(Texts),
        text => Pattern().Matches(text).Select(match => match.Value).SequenceEqual(Pieces(text)));

    [Theory]
    [InlineData("It's   12 o'clock!!", "It|'s|  | 12| o|'|clock|!!")]
    [InlineData("  both  ", " | both|  ")]
    [InlineData("don'T we'll", "don|'|T| we|'ll")]
    [InlineData("", "")]
    // Letters and digits beyond the Basic Multilingual Plane, where .NET's own pattern fails.
    [InlineData("a𝒟𝓔b", "a𝒟𝓔b")]
    [InlineData("x 𝟘𝟙2", "x| 𝟘𝟙2")]
    [InlineData("ab𠮷野家", "ab𠮷野家")]
    [InlineData("ok👍🏽!", "ok|👍🏽!")]
    public void Text_is_cut(string text, string pieces) =>
        Assert.Equal(pieces.Split('|', StringSplitOptions.RemoveEmptyEntries), Pieces(text));

    [Theory]
    [InlineData("a")]
    [InlineData(" ")]
    [InlineData("<|")]
    [InlineData("𝒟")]
    [InlineData("é")]
    public void A_run_of_anything_is_cut_before_merging_it_takes_long(string part)
    {
        string text = "a" + string.Concat(Enumerable.Repeat(part, 20_000)); // the letter makes pairs straddle even places
        string[] pieces = Pieces(text);
        Assert.Equal(text, string.Concat(pieces));
        Assert.All(pieces, piece => Assert.InRange(piece.Length, 1, 2049));
        Assert.All(pieces, piece => Assert.False(char.IsLowSurrogate(piece[0])));
    }

    [Fact]
    public void Halves_of_surrogate_pairs_are_neither_letters_nor_spaces() =>
        Assert.Equal(["a", "\uD83D", "b"], Pieces("a\uD83Db"));

    private static string[] Pieces(string text) => [.. PreTokenizer.PreTokenize(text).Select(piece => text.Substring(piece.Offset, piece.Length))];

    [GeneratedRegex(@"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+")]
    private static partial Regex Pattern();
}
