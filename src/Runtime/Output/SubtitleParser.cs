using System.Globalization;
using System.Net;
using System.Text.RegularExpressions;

namespace Handwritten.Runtime.Output;

/// <summary>
/// Reads SubRip and WebVTT: blocks parted by empty lines, each with a line of times and lines of text. Numbers, names,
/// settings, notes and styles are passed over, tags are taken off. Subtitles that follow one another with the same text,
/// as where words are highlighted in turn, are one segment.
/// </summary>
internal static partial class SubtitleParser
{
    /// <summary>Reads subtitles.</summary>
    /// <returns>A segment a subtitle; each text begins with a blank, as a transcript's does.</returns>
    /// <exception cref="FormatException">There is not a single subtitle in it.</exception>
    public static IReadOnlyList<Segment> Parse(string text)
    {
        List<Segment> segments = [];
        foreach (string block in EmptyLines().Split(text.ReplaceLineEndings("\n")))
        {
            Match times = Times().Match(block);
            if (!times.Success)
            {
                continue;
            }

            string said = " " + WebUtility.HtmlDecode(Tag().Replace(block[(times.Index + times.Length)..], "")).Replace('\n', ' ').Trim();
            (double start, double end) = (Seconds(times, "from"), Seconds(times, "to"));
            if (segments.Count > 0 && segments[^1].Text == said && segments[^1].End == start)
            {
                segments[^1] = segments[^1] with { End = end };
            }
            else if (said.Length > 1)
            {
                segments.Add(new Segment(segments.Count, 0, start, end, said, [], 0, 0, 0, 0));
            }
        }

        return segments.Count > 0 || text.StartsWith("WEBVTT", StringComparison.Ordinal) || string.IsNullOrWhiteSpace(text)
            ? segments
            : throw new FormatException("it has no line with times such as 00:00:01,000 --> 00:00:02,000");
    }

    private static double Seconds(Match times, string which)
    {
        return ((((Part("h") * 60) + Part("m")) * 60) + Part("s")) + (Part("ms") / 1000);

        double Part(string unit) => times.Groups[which + unit] is { Success: true } group ? double.Parse(group.ValueSpan, CultureInfo.InvariantCulture) : 0;
    }

    [GeneratedRegex(@"\n[ \t]*\n\s*")]
    private static partial Regex EmptyLines();

    // Hours are optional in WebVTT. What follows the times on their line are settings: position, size.
    [GeneratedRegex(@"(?:(?<fromh>\d+):)?(?<fromm>\d\d):(?<froms>\d\d)[.,](?<fromms>\d{3})[ \t]*-->[ \t]*(?:(?<toh>\d+):)?(?<tom>\d\d):(?<tos>\d\d)[.,](?<toms>\d{3})[^\n]*")]
    private static partial Regex Times();

    [GeneratedRegex(@"</?[a-zA-Z][^<>]*>|<\d[\d:.]*>")]
    private static partial Regex Tag();
}
