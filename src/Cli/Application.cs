using System.CommandLine;
using System.CommandLine.Help;
using System.CommandLine.Parsing;
using System.Runtime.InteropServices;
using System.Text;
using Handwritten.Cli.Commands;

namespace Handwritten.Cli;

/// <summary>
/// The <c>handwritten</c> command: parses the command line, runs what it asks for, and reports every failure the same
/// way, as one sentence on standard error and an exit code (see <see cref="ExitCode"/>).
/// </summary>
internal static class Application
{
    /// <summary>What work has after Ctrl-C to come to an end by itself.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(2);

    private static RootCommand CreateRoot() => new("Whisper speech recognition, written by hand.")
    {
        new TranscribeCommand(),
        new DetectLanguageCommand(),
        new VadCommand(),
        new SubtitleCommand(),
        new EvaluateCommand(),
        new CompareCommand(),
        new PlotCommand(),
        new SearchCommand(),
        new PullCommand(),
        new ModelsCommand(),
        new InspectCommand(),
        new DevicesCommand(),
        new ParityCommand(),
        new BenchCommand(),
        new ServeCommand(),
        new StreamCommand(),
        new HealthCommand(),
        new ApiKeyCommand(),
        new ProfileCommand(),
    };

    /// <summary>Runs the program.</summary>
    public static async Task<int> RunAsync(string[] args)
    {
        // Transcripts hold every script there is, whatever the terminal's legacy code page.
        Console.OutputEncoding = new UTF8Encoding(encoderShouldEmitUTF8Identifier: false);

        // The first Ctrl-C asks the command to stop, a second one ends the process at once. Work that waits for a silent
        // pipe hears of neither: after a moment it is left behind.
        TimeSpan patience = Patience;
        using CancellationTokenSource interrupt = new(), impatience = new();
        using CancellationTokenRegistration wait = interrupt.Token.Register(() => impatience.CancelAfter(patience));
        using PosixSignalRegistration registration = PosixSignalRegistration.Create(PosixSignal.SIGINT, signal =>
        {
            signal.Cancel = !interrupt.IsCancellationRequested;
            interrupt.Cancel();
        });

        try
        {
            RootCommand root = CreateRoot();
            ParseResult result = Parse(args, root, sentence => sentence);
            if (args.Length == 0)
            {
                new HelpAction().Invoke(result);
                return (int)ExitCode.WrongUsage;
            }

            if (result is { CommandResult.Command: ServeCommand server, Action: not { ClearsParseErrors: true } })
            {
                result = Parse([.. args, .. server.Variables.Words(result)], root, server.Variables.Renamed);
                patience = server.PatienceOf(result);
            }

            if (result.CommandResult.Command is StreamCommand)
            {
                patience = Timeout.InfiniteTimeSpan; // Ctrl-C is how speech ends; what was said is still to be written
            }

            // Exceptions and signals are handled here.
            InvocationConfiguration invocation = new() { EnableDefaultExceptionHandler = false, ProcessTerminationTimeout = null };
            return await Task.Run(() => result.InvokeAsync(invocation, interrupt.Token)).WaitAsync(impatience.Token);
        }
        catch (Exception failure)
        {
            return (int)Report(failure);
        }
    }

    /// <summary>Tells the person at the keyboard what went wrong.</summary>
    /// <returns>The exit code that tells a script.</returns>
    public static ExitCode Report(Exception failure)
    {
        ExitCode code = ExitCodes.Of(failure);
        string sentence = code switch
        {
            ExitCode.Interrupted => "Interrupted.",
            ExitCode.Unexpected => $"Something unexpected happened, a mistake in this program: {failure.Message} (HANDWRITTEN_DEBUG=1 shows where.)",
            ExitCode.UnusableDevice when failure is OutOfMemoryException => "There is too little memory: choose a smaller model, or fewer windows (batch_size) or sequences (beam_size, best_of) at a time.",
            ExitCode.UnwritableOutput when failure is IOException => $"Standard output cannot be written: {failure.Message.TrimEnd('.')}.",
            ExitCode.UnwritableOutput when failure is UnauthorizedAccessException => "Standard output cannot be written: it is closed, or open for reading only.",
            _ => failure.Message,
        };
        Console.Error.WriteLine($"handwritten: {sentence.ReplaceLineEndings(" ")}");
        if (Environment.GetEnvironmentVariable("HANDWRITTEN_DEBUG") == "1")
        {
            Console.Error.WriteLine(failure);
        }

        return code;
    }

    /// <summary>Reads a command line.</summary>
    /// <param name="args">The command line.</param>
    /// <param name="root">The program's command.</param>
    /// <param name="tell">Puts it in the user's words what is wrong.</param>
    /// <exception cref="UsageException">It makes no sense.</exception>
    private static ParseResult Parse(string[] args, RootCommand root, Func<string, string> tell)
    {
        // Without response files: '@home.wav' is a recording.
        PlainCommandLine plain = new(args, root);
        ParseResult result = root.Parse(plain.Arguments(), new ParserConfiguration { ResponseFileTokenReplacer = null });

        // Help and version are shown whatever else there is; and who gives nothing is shown what there is.
        return result.Action is { ClearsParseErrors: true } || args.Length == 0 || Mistake(result, plain.Mistake) is not { } mistake
            ? result
            : throw new UsageException(tell(mistake));
    }

    /// <summary>What is wrong with a command line and where to look it up; null if nothing is.</summary>
    /// <param name="result">What the parser made of it.</param>
    /// <param name="known">What is known to be wrong.</param>
    private static string? Mistake(ParseResult result, string? known)
    {
        Command current = result.CommandResult.Command;
        string command = string.Join(' ', PathTo(result.CommandResult).Reverse());
        string? sentence = known ?? result.UnmatchedTokens.Concat(MistypedOptions(result)).FirstOrDefault() switch
        {
            null when result.Errors is [var error, ..] => error.Message,
            // A script gives it whose variable is empty; no argument may be.
            null => Arguments(result).Any(token => token.Value.Length == 0) ? $"An argument of '{command}' is empty." : null,
            ['-', ..] option => $"There is no option '{option}'." + Spelling.Suggest(option, current.Options.SelectMany(other => other.Aliases.Prepend(other.Name))),
            var word when current.Subcommands.Count > 0 => $"There is no command '{word}'." + Spelling.Suggest(word, current.Subcommands.Select(other => other.Name)),
            var word => $"'{command}' takes no further argument '{word}'.",
        };
        return sentence is null ? null : $"{sentence}{(sentence[^1] is '.' or '?' ? "" : ".")} See '{command} --help'.";
    }

    /// <summary>The names of a command and of those it is below, up to the program's.</summary>
    private static IEnumerable<string> PathTo(SymbolResult? command)
    {
        for (; command is CommandResult { Command: var named }; command = command.Parent)
        {
            yield return named is RootCommand ? "handwritten" : named.Name;
        }
    }

    /// <summary>What the parser takes for a recording, but nobody else would: arguments that begin with a dash, unless behind <c>--</c>.</summary>
    private static IEnumerable<string> MistypedOptions(ParseResult result) => result.Tokens
        .TakeWhile(token => token.Type != TokenType.DoubleDash)
        .Intersect(Arguments(result), ReferenceEqualityComparer.Instance)
        .Select(token => ((Token)token!).Value)
        .Where(value => value.Length > 1 && value[0] == '-');

    private static IEnumerable<Token> Arguments(ParseResult result) =>
        result.CommandResult.Children.OfType<ArgumentResult>().SelectMany(argument => argument.Tokens);
}
