using Handwritten.CudaEmulator.Checks;
using Xunit;

namespace Handwritten.CudaEmulator.Tests.Driver;

public sealed class CheckNameTests
{
    [Theory]
    [InlineData(null, CheckSet.Default)]
    [InlineData("", CheckSet.Default)]
    [InlineData("none", CheckSet.None)]
    [InlineData("all", CheckSet.All)]
    [InlineData("racecheck", CheckSet.Races)]
    [InlineData(" InitCheck, leakcheck ,", CheckSet.Initialisation | CheckSet.Leaks)]
    [InlineData("memcheck,racecheck,initcheck,synccheck,leakcheck", CheckSet.All)]
    public void Checks_are_chosen_by_name(string? names, CheckSet expected) => Assert.Equal(expected, CheckNames.Parse(names));

    [Fact]
    public void A_wrong_name_is_answered_with_the_right_ones()
    {
        string message = Assert.Throws<ArgumentException>(() => CheckNames.Parse("memcheck,spellcheck")).Message;
        Assert.Contains("'spellcheck'", message, StringComparison.Ordinal);
        Assert.Contains("racecheck", message, StringComparison.Ordinal);
    }
}
