using System.CommandLine;
using System.Text;
using Handwritten.Runtime.Output;
using Handwritten.Server.Access;

namespace Handwritten.Cli.Commands;

/// <summary><c>handwritten api-key</c>: draws a key for a client, shows it once and adds its hash to the file that <c>serve</c> reads.</summary>
internal sealed class ApiKeyCommand : Command
{
    private readonly Argument<string> _name = new("NAME") { Description = "What the log calls the client: a word." };

    private readonly Option<string> _file = new("--api-keys") { Description = "The file to add it to; a running server takes it up within a second.", HelpName = "FILE", Required = true };

    private readonly Option<int?> _rate = Define.Count("--requests-per-minute", "The client's own limit. [default: the server's]", 1_000_000);

    public ApiKeyCommand()
        : base("api-key", "Make an API key for a client of 'serve'.")
    {
        Add(_name);
        Add(_file);
        Add(_rate);
        SetAction(parsed => (int)Run(parsed));
    }

    private ExitCode Run(ParseResult parsed)
    {
        string name = parsed.GetRequiredValue(_name), path = parsed.GetRequiredValue(_file);
        if (name.Length == 0 || name.Any(letter => char.IsWhiteSpace(letter) || letter == '#'))
        {
            throw new UsageException($"The client's name must be a word without blanks and '#', but it is '{name}'.");
        }

        (string key, string hash) = ApiKeyFile.Create();
        string rate = parsed.GetValue(_rate) is int limit ? $" requests_per_minute={limit}" : "";
        try
        {
            Append(path, $"{name} {hash}{rate}\n");
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            throw new OutputException($"The key cannot be added to '{path}' ({failure.Message.TrimEnd('.')}).", failure);
        }

        Console.Out.WriteLine(key);
        return ExitCode.Ok;
    }

    /// <summary>Appends a line, behind a last one that lacks its end. Nobody but its owner reads a file that is made here.</summary>
    private static void Append(string path, string line)
    {
        FileStreamOptions options = new() { Mode = FileMode.OpenOrCreate, Access = FileAccess.ReadWrite };
        if (!OperatingSystem.IsWindows())
        {
            options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        }

        using FileStream file = new(path, options);
        bool isEnded = true;
        if (file.Length > 0)
        {
            file.Seek(-1, SeekOrigin.End);
            isEnded = file.ReadByte() == '\n';
        }

        file.Write(Encoding.UTF8.GetBytes(isEnded ? line : $"\n{line}"));
    }
}
