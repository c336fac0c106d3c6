using System.CommandLine;
using System.CommandLine.Help;
using System.CommandLine.Invocation;
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
    private static RootCommand CreateRoot() => new("Whisper speech recognition, written by hand.")
    {
        new TranscribeCommand(),
        new DetectLanguageCommand(),
        new InspectCommand(),
        new DevicesCommand(),
    };

    /// <summary>Runs the program.</summary>
    public static async Task<int> RunAsync(string[] args)
    {
        // Transcripts hold every script there is, whatever the terminal's legacy code page.
        Console.OutputEncoding = new UTF8Encoding(encoderShouldEmitUTF8Identifier: false);

        // The first Ctrl-C asks the command to stop, a second one ends the process at once.
        using CancellationTokenSource interrupt = new();
        using PosixSignalRegistration registration = PosixSignalRegistration.Create(PosixSignal.SIGINT, signal =>
        {
            signal.Cancel = !interrupt.IsCancellationRequested;
            interrupt.Cancel();
        });

        try
        {
            // Without response files: '@home.wav' is a recording.
            ParseResult result = CreateRoot().Parse(Define.SpellWithDashes(args), new ParserConfiguration { ResponseFileTokenReplacer = null });
            if (args.Length == 0)
            {
                new HelpAction().Invoke(result);
                return (int)ExitCode.WrongUsage;
            }

            if (result.Action is ParseErrorAction)
            {
                throw new UsageException(Describe(result));
            }

            // Exceptions and signals are handled here.
            InvocationConfiguration configuration = new() { EnableDefaultExceptionHandler = false, ProcessTerminationTimeout = null };
            return await result.InvokeAsync(configuration, interrupt.Token);
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
            _ => failure.Message,
        };
        Console.Error.WriteLine($"handwritten: {sentence.ReplaceLineEndings(" ")}");
        if (Environment.GetEnvironmentVariable("HANDWRITTEN_DEBUG") == "1")
        {
            Console.Error.WriteLine(failure);
        }

        return code;
    }

    /// <summary>What is wrong with a command line, and where to look it up.</summary>
    private static string Describe(ParseResult result)
    {
        string command = result.CommandResult is { Parent: not null } chosen ? $"handwritten {chosen.Command.Name}" : "handwritten";
        string hint = $" See '{command} --help'.";
        if (result.UnmatchedTokens is [string unknown, ..])
        {
            Command current = result.CommandResult.Command;
            (string kind, IEnumerable<string> known) = unknown.StartsWith('-')
                ? ("option", current.Options.Where(option => !option.Hidden).SelectMany(option => option.Aliases.Prepend(option.Name)))
                : current.Subcommands.Count > 0 ? ("command", current.Subcommands.Select(command => command.Name)) : ("argument", []);
            return kind == "argument"
                ? $"'{command}' takes no further argument '{unknown}'.{hint}"
                : $"There is no {kind} '{unknown}'.{Spelling.Suggest(unknown, known)}{hint}";
        }

        return result.Errors[0].Message.TrimEnd('.') + "." + hint;
    }
}
