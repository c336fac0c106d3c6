using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;
using Spectre.Console;

namespace Handwritten.Cli;

/// <summary>
/// The two streams of the program: results go to standard output, where a script reads them, and everything else to
/// standard error. What moves or has colours appears only where the stream is a terminal.
/// </summary>
internal static class Terminal
{
    private static readonly IAnsiConsole Output = Create(Console.Out, Console.IsOutputRedirected);
    private static readonly IAnsiConsole Error = Create(Console.Error, Console.IsErrorRedirected);

    /// <summary>How JSON is printed: names as JavaScript has them, and every script in its own letters.</summary>
    public static JsonSerializerOptions Json { get; } = new(JsonSerializerDefaults.Web)
    {
        WriteIndented = true,
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
        DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    };

    /// <summary>A table with one header row, for <see cref="Write"/>.</summary>
    public static Table Table(params string[] columns)
    {
        Table table = new() { Border = TableBorder.Simple };
        foreach (string column in columns)
        {
            // A leading ">" aligns a column of numbers to the right.
            table.AddColumn(new TableColumn(Markup.Escape(column.TrimStart('>')))
            {
                NoWrap = true,
                Alignment = column.StartsWith('>') ? Justify.Right : Justify.Left,
            });
        }

        return table;
    }

    /// <summary>Prints a table on standard output.</summary>
    public static void Write(Table table) => Output.Write(table);

    /// <summary>
    /// Runs work under a bar on standard error with the share that is done, the time taken and the time left; without
    /// a terminal there is no bar. Meanwhile lines are to be printed with <see cref="Progress.Print"/>.
    /// </summary>
    /// <param name="title">What is being worked on.</param>
    /// <param name="total">The value that counts as done.</param>
    /// <param name="show">Whether a bar is wanted at all.</param>
    /// <param name="work">The work.</param>
    public static void WithProgress(string title, double total, bool show, Action<Progress> work)
    {
        if (!show || Console.IsErrorRedirected)
        {
            work(new Progress(null));
            return;
        }

        new Spectre.Console.Progress(Error) { AutoClear = true }
            .Columns(new TaskDescriptionColumn(), new ProgressBarColumn(), new PercentageColumn(), new ElapsedTimeColumn(), new RemainingTimeColumn())
            .Start(context => work(new Progress(context.AddTask(Markup.Escape(title), maxValue: Math.Max(total, 1e-3)))));
    }

    /// <summary>Work under way.</summary>
    internal sealed class Progress(ProgressTask? bar)
    {
        /// <summary>Tells how far it is.</summary>
        public void Report(double value)
        {
            if (bar is not null)
            {
                bar.Value = value;
            }
        }

        /// <summary>
        /// Prints a result. Where the bar and the results share a terminal, both go through the console that draws the
        /// bar, which moves it down a line; anywhere else results go to standard output.
        /// </summary>
        public void Print(string line)
        {
            if (bar is not null && !Console.IsOutputRedirected)
            {
                Error.WriteLine(line);
            }
            else
            {
                Console.Out.WriteLine(line);
            }
        }
    }

    private static IAnsiConsole Create(TextWriter writer, bool redirected)
    {
        IAnsiConsole console = AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(writer) });
        if (redirected)
        {
            // A file has no right margin.
            console.Profile.Width = 1000;
        }

        return console;
    }
}
