using System.Text.Json;

namespace Handwritten.Cli.Streaming;

/// <summary>
/// Shows what a live stream says as a person would like to see it: on a terminal, what is being said in one grey line that is
/// written over again and again; what is final as lines that stay. In a pipe only what is final.
/// </summary>
internal sealed class LiveText(TextWriter output, bool isTerminal, bool asJson)
{
    private const string Clear = "\r\e[K", Grey = "\e[90m", Plain = "\e[0m";

    private bool _isLineOpen;

    /// <summary>Shows a message of the server.</summary>
    /// <exception cref="UsageException">It is a complaint.</exception>
    public void Show(JsonElement message)
    {
        string? type = message.GetProperty("type").GetString();
        if (asJson)
        {
            output.WriteLine(message.GetRawText());
            output.Flush();
        }
        else if (type == "partial" && isTerminal)
        {
            output.Write($"{Clear}{Shorten(Text(message, "committed"), Text(message, "tentative"))}");
            output.Flush();
            _isLineOpen = true;
        }
        else if (type == "final" && Text(message, "text").Trim() is { Length: > 0 } text)
        {
            End();
            output.WriteLine(text);
            output.Flush();
        }

        if (type == "error")
        {
            throw new UsageException($"The server ends the stream: {message.GetProperty("error").GetProperty("message").GetString()}");
        }
    }

    /// <summary>Clears the line that changes.</summary>
    public void End()
    {
        if (_isLineOpen)
        {
            output.Write(Clear);
            _isLineOpen = false;
        }
    }

    /// <summary>A line that is wider than the terminal could not be written over: its end is what matters.</summary>
    private static string Shorten(string committed, string tentative)
    {
        int width = Math.Max(20, Console.WindowWidth) - 2;
        int excess = committed.Length + tentative.Length - width;
        if (excess > 0)
        {
            committed = committed.Length > excess ? $"…{committed[(excess + 1)..]}" : "…";
            tentative = tentative.Length > width - 1 ? tentative[^(width - 1)..] : tentative;
        }

        return $"{committed.TrimStart()}{Grey}{tentative}{Plain}";
    }

    private static string Text(JsonElement message, string name) => message.GetProperty(name).GetString() ?? "";
}
