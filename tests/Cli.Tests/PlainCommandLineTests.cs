using System.CommandLine;
using Xunit;

namespace Handwritten.Cli.Tests;

/// <summary>What people type who are used to argparse, and how the parser is told.</summary>
public sealed class PlainCommandLineTests
{
    private readonly RootCommand _root = new()
    {
        new Command("heard")
        {
            new Argument<string[]>("AUDIO"),
            new Option<string>("--language"),
            new Option<string>("--language-detection-threshold"),
            new Option<string>("--initial-prompt"),
            new Option<string>("--max-line-width"),
            new Option<string>("--max-line-count"),
            new Option<string>("--logprob-threshold", "--log-prob-threshold"),
            new Option<string>("--output-dir", "-o"),
            Define.Choices("--output-format", "", "all", ["all", "srt", "txt"], "-f"),
            new Option<string[]>("--header"),
            new Option<string[]>("--with"),
            new Option<bool>("--vad-filter"),
            new Option<bool>("--quiet"),
        },
    };

    [Theory]
    [InlineData("--output_format txt a_b.wav", "--output-format=txt a_b.wav")]
    [InlineData("--initial_prompt=a_b=c:d", "--initial-prompt=a_b=c:d")]
    [InlineData("--initial_prompt= a.wav", "--initial-prompt '' a.wav")]
    [InlineData("a.wav --initial_prompt= --quiet", "a.wav --initial-prompt '' --quiet")]
    [InlineData("--initial_prompt '' a.wav", "--initial-prompt '' a.wav")]
    [InlineData("--initial_prompt --quiet", "--initial-prompt --quiet")]
    [InlineData("--initial_prompt -hm a.wav", "--initial-prompt=-hm a.wav")]
    [InlineData("--logprob_threshold -1", "--logprob-threshold=-1")]
    [InlineData("--vad_filter a.wav", "--vad-filter a.wav")]
    [InlineData("--vad_filter False a.wav", "--vad-filter=False a.wav")]
    [InlineData("--vad_filter 0 --quiet=1", "--vad-filter=False --quiet=True")]
    [InlineData("-o z3 -oz4", "--output-dir=z4")]
    [InlineData("-o=z3 --output_dir z4", "--output-dir=z4")]
    [InlineData("-f srt a.wav -f txt", "a.wav --output-format=txt")]
    [InlineData("--quiet --quiet False a.wav", "--quiet=False a.wav")]
    [InlineData("--header a --header b", "--header=a --header=b")]
    [InlineData("--with '--vad_filter 0' --with --quiet", "'--with=--vad_filter 0' --with=--quiet")]
    [InlineData("--quiet -- --quiet --output_dir", "--quiet -- --quiet --output_dir")]
    [InlineData("--lang en", "--language=en")]
    [InlineData("--language_d 0.5", "--language-detection-threshold=0.5")]
    [InlineData("--log -1 --logprob 0", "--logprob-threshold=0")]
    [InlineData("--init=x", "--initial-prompt=x")]
    [InlineData("--langauge en -x", "--langauge en -x")]
    [InlineData("-", "-")]
    public void A_command_line_is_spelled_in_the_one_way_that_cannot_be_misread(string typed, string plain)
    {
        PlainCommandLine line = new(["heard", .. Words(typed)], _root);
        Assert.Null(line.Mistake);
        Assert.Equal(["heard", .. Words(plain)], line.Arguments());
    }

    [Theory]
    [InlineData("--vad_filter no", "--vad-filter must be True or False, but it is 'no'.")]
    [InlineData("--quiet=a.wav", "--quiet must be True or False, but it is 'a.wav'.")]
    [InlineData("--quiet=", "--quiet must be True or False, but it is ''.")]
    [InlineData("--max 3", "'--max' may be --max-line-count or --max-line-width: write more of it.")]
    [InlineData("--max_line 3", "'--max-line' may be --max-line-count or --max-line-width: write more of it.")]
    public void What_the_parser_would_misread_is_told(string typed, string mistake) =>
        Assert.Equal(mistake, new PlainCommandLine(["heard", .. Words(typed)], _root).Mistake);

    private static IEnumerable<string> Words(string line) => System.CommandLine.Parsing.CommandLineParser.SplitCommandLine(line.Replace('\'', '"'));
}
