using FsCheck.Xunit;
using Handwritten.Runtime.Evaluation;
using Xunit;

namespace Handwritten.Runtime.Tests.Evaluation;

public class ErrorCountTests
{
    [Theory]
    [InlineData("a b c", "a b c", 0, 0, 0)]
    [InlineData("a b c", "a x c", 1, 0, 0)]
    [InlineData("a b c", "a c", 0, 1, 0)]
    [InlineData("a b c", "a b b c", 0, 0, 1)]
    [InlineData("a b c d", "b c d e", 0, 1, 1)]
    [InlineData("a b", "", 0, 2, 0)]
    [InlineData("", "a b", 0, 0, 2)]
    [InlineData("", "", 0, 0, 0)]
    [InlineData("  a\tb\n", "b a", 2, 0, 0)]
    public void Counts_what_is_wrong_missing_and_added(string reference, string hypothesis, int substitutions, int deletions, int insertions)
    {
        ErrorCount count = ErrorCount.OfWords(reference, hypothesis);
        Assert.Equal((substitutions, deletions, insertions), (count.Substitutions, count.Deletions, count.Insertions));
        Assert.Equal(reference.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries).Length, count.Length);
    }

    [Fact]
    public void Characters_are_code_points_and_blanks_count_once()
    {
        Assert.Equal(new ErrorCount(3, 1, 0, 0), ErrorCount.OfCharacters("🙂 a", "🙃  a"));
        Assert.Equal(new ErrorCount(3, 0, 1, 0), ErrorCount.OfCharacters(" a\n b ", "ab"));
    }

    [Fact]
    public void Rates_are_shares_of_the_reference()
    {
        Assert.Equal(0.25, new ErrorCount(8, 1, 1, 0).Rate);
        Assert.Equal(3, new ErrorCount(1, 1, 0, 2).Rate);
        Assert.Equal((0, 1), (new ErrorCount().Rate, new ErrorCount(0, 0, 0, 5).Rate));
        Assert.Equal(new ErrorCount(9, 2, 2, 3), new ErrorCount(8, 1, 1, 0) + new ErrorCount(1, 1, 1, 3));
    }

    [Property(MaxTest = 500)]
    public void Finds_the_fewest_changes(byte[] left, byte[] right)
    {
        string[] reference = [.. left.Select(value => $"{value % 3}")], hypothesis = [.. right.Select(value => $"{value % 3}")];
        ErrorCount count = ErrorCount.Of<string>(reference, hypothesis);
        Assert.Equal(WordErrors.Count(reference, hypothesis), count.Errors);
        Assert.Equal(hypothesis.Length, reference.Length - count.Deletions + count.Insertions);
    }

    [Theory]
    [InlineData(0, 1000)]
    [InlineData(30, 1000)]
    [InlineData(300, 0)]
    [InlineData(1000, 500)]
    public void The_band_is_wide_enough_for_long_texts(int shift, int changed)
    {
        // Moved by more than the first band is wide, or changed all over.
        Random random = new(5);
        string[] reference = [.. Enumerable.Range(0, 2000).Select(_ => $"{random.Next(50)}")];
        string[] hypothesis = [.. reference.Skip(shift), .. reference.Take(shift)];
        for (int i = 0; i < changed; i++)
        {
            hypothesis[random.Next(hypothesis.Length)] = $"{random.Next(50)}";
        }

        Assert.Equal(WordErrors.Count(reference, hypothesis), ErrorCount.Of<string>(reference, hypothesis).Errors);
    }
}
