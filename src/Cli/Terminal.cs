using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;
using Spectre.Console;
using Spectre.Console.Rendering;

namespace Handwritten.Cli;

/// <summary>
/// The two streams of the program: results go to standard output, where a script reads them, and everything else to
/// standard error. What moves or has colours appears only where the stream is a terminal.
/// </summary>
internal static class Terminal
{
    private const int LongestTitle = 24;

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
    /// Runs work under a bar with the share that is done, the time taken and the time left. The bar is drawn on standard
    /// error if that is a terminal; where standard output is the same terminal, on that, so that results and bar do not
    /// overwrite each other. Meanwhile results are to be printed with <see cref="Progress.Print"/>.
    /// </summary>
    /// <param name="title">What is being worked on.</param>
    /// <param name="total">The value that counts as done.</param>
    /// <param name="show">Whether a bar is wanted at all.</param>
    /// <param name="work">The work.</param>
    /// <param name="bytes">Whether values are bytes, so that their number and their speed are of interest.</param>
    public static void WithProgress(string title, double total, bool show, Action<Progress> work, bool bytes = false)
    {
        if (!show || Console.IsErrorRedirected)
        {
            work(new Progress(null));
            return;
        }

        if (title.Length > LongestTitle)
        {
            title = title[..(LongestTitle - 1)] + "…";
        }

        new Spectre.Console.Progress(Console.IsOutputRedirected ? Error : Output) { AutoClear = true, ExcludeVerticalPadding = true }
            .Columns(bytes
                ? [new TaskDescriptionColumn(), new ProgressBarColumn(), new DownloadedColumn(), new TransferSpeedColumn(), new RemainingTimeColumn()]
                : [new TaskDescriptionColumn(), new ProgressBarColumn(), new PercentageColumn(), new ElapsedTimeColumn(), new RemainingTimeColumn()])
            .Start(context =>
            {
                // The console redraws ten times a second; short work should show where it begins and where it ends, too.
                Progress progress = new(context.AddTask(Markup.Escape(title), maxValue: Math.Max(total, 1e-3)));
                context.Refresh();
                work(progress);
                context.Refresh();
            });
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

        /// <summary>Prints a line on standard output, above the bar if that is there too.</summary>
        public void Print(string line)
        {
            if (bar is null || Console.IsOutputRedirected)
            {
                Console.Out.WriteLine(line);
            }
            else
            {
                Output.Write(new LineAboveBar(line));
            }
        }
    }

    /// <summary>
    /// A line that takes the place of the bar, which the console then draws anew below: the old bar has to be erased,
    /// and a long line is broken by the terminal, as without a bar.
    /// </summary>
    private sealed class LineAboveBar(string line) : Renderable
    {
        protected override IEnumerable<Segment> Render(RenderOptions options, int maxWidth) =>
            [Segment.Control("\u001b[J"), new Segment(line), Segment.LineBreak];
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
