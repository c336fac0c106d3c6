using System.CommandLine;
using System.Text.Json;
using System.Text.RegularExpressions;
using Handwritten.Runtime;
using Handwritten.Runtime.Audio;
using Handwritten.Runtime.Evaluation;
using Handwritten.Runtime.Output;

namespace Handwritten.Cli.Commands;

/// <summary><c>handwritten search</c>: when something was said, by the transcripts of recordings.</summary>
internal sealed class SearchCommand : Command
{
    private readonly Argument<string> _term = new("TERM") { Description = "What to look for: words as they are, in either case." };

    private readonly Argument<string[]> _files = new("TRANSCRIPT")
    {
        Description = "The transcripts, or patterns of their names: json, srt or vtt.",
        Arity = ArgumentArity.OneOrMore,
    };

    private readonly Option<bool> _regex = Define.Flag("--regex", "TERM is a regular expression.");

    private readonly Option<bool> _matchCase = Define.Flag("--match-case", "Capital and small letters differ.");

    private readonly Option<bool> _wholeWords = Define.Flag("--whole-words", "TERM is no part of a longer word.");

    private readonly Option<bool> _json = Define.Json();

    public SearchCommand()
        : base("search", "Find when something was said, in transcripts.")
    {
        foreach (Argument argument in new Argument[] { _term, _files })
        {
            Add(argument);
        }

        foreach (Option option in new Option[] { _regex, _matchCase, _wholeWords, _json })
        {
            Add(option);
        }

        SetAction((parsed, cancellation) => Task.FromResult((int)Run(parsed, cancellation)));
    }

    private ExitCode Run(ParseResult parsed, CancellationToken cancellation)
    {
        string term = parsed.GetRequiredValue(_term);
        Regex pattern = Pattern(parsed, term);
        bool json = parsed.GetValue(_json);
        List<object> results = [];
        int hits = 0;
        ExitCode exitCode = EachFile.Do([.. parsed.GetRequiredValue(_files).SelectMany(RecordingFiles.Named).Distinct()], file =>
        {
            if (Path.GetExtension(file).Equals(".txt", StringComparison.OrdinalIgnoreCase))
            {
                throw new TranscriptException($"'{file}' has no times: give the transcript as json, srt or vtt.");
            }

            foreach (SearchHit hit in Find(TranscriptReader.Read(file), pattern))
            {
                hits++;
                if (json)
                {
                    results.Add(new { File = file, hit.Start, hit.End, hit.Before, hit.Match, hit.After });
                }
                else
                {
                    Console.Out.WriteLine($"{file} [{Time(hit.Start)} --> {Time(hit.End)}] {hit.Before}{hit.Match}{hit.After}");
                }
            }
        }, cancellation);

        if (json)
        {
            Console.Out.WriteLine(JsonSerializer.Serialize(results, Terminal.Json));
        }
        else if (hits == 0 && exitCode == ExitCode.Ok)
        {
            Console.Error.WriteLine($"'{term}' was not said.");
        }

        return exitCode;
    }

    private static SearchHit[] Find(Transcript transcript, Regex pattern)
    {
        try
        {
            return [.. TranscriptSearch.Find(transcript, pattern)];
        }
        catch (RegexMatchTimeoutException)
        {
            throw new UsageException($"The regular expression '{pattern}' takes too long: avoid repetitions within repetitions, such as (a+)+.");
        }
    }

    private Regex Pattern(ParseResult parsed, string term)
    {
        if (string.IsNullOrWhiteSpace(term))
        {
            throw new UsageException("TERM is empty: give a word to look for.");
        }

        try
        {
            return TranscriptSearch.Pattern(term, parsed.GetValue(_regex), parsed.GetValue(_matchCase), parsed.GetValue(_wholeWords));
        }
        catch (RegexParseException exception)
        {
            throw new UsageException($"'{term}' is no regular expression ({exception.Message.TrimEnd('.')}): correct it, or leave {_regex.Name} out.");
        }
    }

    private static string Time(double seconds) => Timestamp.Format(Math.Max(0, Timestamp.ToMilliseconds(seconds)));
}
