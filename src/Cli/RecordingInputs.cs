using System.CommandLine;
using System.Globalization;
using System.Text.RegularExpressions;
using Handwritten.Runtime.Audio;

namespace Handwritten.Cli;

/// <summary>
/// What a command is to listen to: files, patterns that the shell left alone, folders, standard input and addresses on the
/// web, with the options that say how.
/// </summary>
/// <param name="recordings">The argument that names them.</param>
internal sealed partial class RecordingInputs(Argument<string[]> recordings)
{
    /// <summary>One recording or more.</summary>
    public RecordingInputs()
        : this(Define.Recordings())
    {
    }

    private readonly Option<bool> _recursive = Define.Flag("--recursive", "Take all recordings in the folders that are named, and below them.");

    private readonly Option<WebHeader[]> _headers = new("--header")
    {
        Description = "What to send along with a request for an address, such as \"Authorization: Bearer ...\"; may be given several times.",
        HelpName = "NAME: VALUE",
        DefaultValueFactory = _ => [],
        CustomParser = result =>
        {
            WebHeader?[] headers = [.. result.Tokens.Select(token => WebHeader.Parse(token.Value))];
            int wrong = Array.IndexOf(headers, null);
            if (wrong >= 0)
            {
                result.AddError($"--header must be a name, a colon and a value, but it is '{result.Tokens[wrong].Value}'.");
            }

            return [.. headers.OfType<WebHeader>()];
        },
    };

    private readonly Option<long> _maxDownload = new("--max-download")
    {
        Description = "The largest recording to take from an address, in bytes or as 500KB, 20MB, 1.5GB.",
        HelpName = "SIZE",
        DefaultValueFactory = _ => WebLimits.Default.Bytes,
        CustomParser = result =>
        {
            string text = result.Tokens[0].Value;
            if (ParseSize(text) is { } size)
            {
                return size;
            }

            result.AddError($"--max-download must be a size up to 2GB such as 20MB, but it is '{text}'.");
            return 0;
        },
    };

    private readonly Option<OrNone<double>> _downloadTime = Optional.Number("--download-timeout",
        "The longest time that this may take, in seconds.", WebLimits.Default.Time.TotalSeconds, 0.001, 86_400);

    /// <summary>Adds the argument and the options to a command.</summary>
    public void AddTo(Command command)
    {
        command.Add(recordings);
        foreach (Option option in Options)
        {
            command.Add(option);
        }
    }

    /// <summary>The options, which say nothing about what is done with the recordings.</summary>
    public IReadOnlyList<Option> Options => [_recursive, _headers, _maxDownload, _downloadTime];

    /// <summary>
    /// The recordings, each of them once, with patterns and folders replaced by what they stand for. One that stands for
    /// nothing remains, and fails when it is loaded.
    /// </summary>
    public IReadOnlyList<string> Read(ParseResult parsed) => [.. parsed.GetRequiredValue(recordings).SelectMany(name => Expand(parsed, name)).DistinctBy(PlaceOf)];

    /// <summary>What tells a recording from others, however its path is spelled.</summary>
    public static string PlaceOf(string name) => name == AudioFile.StandardInput || WebRecording.IsAddress(name) ? name : Path.GetFullPath(name);

    /// <summary>What a recording's file is called: its path, or the name that the file of an address would have.</summary>
    public static string PathOf(string recording) => recording switch
    {
        AudioFile.StandardInput => "stdin",
        _ when WebRecording.IsAddress(recording) => WebRecording.FileName(recording),
        _ => recording,
    };

    /// <inheritdoc cref="Load(ParseResult, string, EmbeddedSound, CancellationToken)"/>
    public AudioClip Load(ParseResult parsed, string recording, CancellationToken cancellation) => Load(parsed, recording, embedded: null, cancellation);

    /// <summary>Loads one of them.</summary>
    /// <param name="parsed">The command line.</param>
    /// <param name="recording">Its name.</param>
    /// <param name="embedded">Keeps what can be read only once; null where nobody wants it again.</param>
    /// <param name="cancellation">Ends it.</param>
    /// <exception cref="AudioException">It cannot be read.</exception>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    public AudioClip Load(ParseResult parsed, string recording, EmbeddedSound? embedded, CancellationToken cancellation)
    {
        if (WebRecording.IsAddress(recording))
        {
            WebLimits limits = new(parsed.GetValue(_maxDownload), parsed.GetValue(_downloadTime).Value is double seconds ? TimeSpan.FromSeconds(seconds) : Timeout.InfiniteTimeSpan);
            using MemoryStream file = WebRecording.Download(recording, parsed.GetRequiredValue(_headers), limits, cancellation);
            embedded?.Keep(recording, file);
            return AudioFile.Load(file, $"'{WebRecording.Shown(recording)}'", Ffmpeg.OnPath, cancellation);
        }

        if (Directory.Exists(recording))
        {
            throw new AudioException(parsed.GetValue(_recursive)
                ? $"'{recording}' is a folder without recordings: give the name of a file."
                : $"'{recording}' is a folder: give the name of a recording in it, or {_recursive.Name} for all of them.");
        }

        if (embedded is null || RecordingFiles.IsPattern(recording))
        {
            return LoadFile(recording, cancellation);
        }

        using Stream input = AudioFile.Open(recording);
        return input.CanSeek ? LoadFile(recording, cancellation) : LoadPipe(recording, input, embedded, cancellation);
    }

    /// <summary>Loads what can be read only once: all of it, and then the recording in it.</summary>
    private static AudioClip LoadPipe(string recording, Stream input, EmbeddedSound embedded, CancellationToken cancellation)
    {
        using MemoryStream file = new();
        try
        {
            input.CopyToAsync(file, cancellation).GetAwaiter().GetResult();
        }
        catch (IOException exception)
        {
            throw new AudioException($"{AudioFile.NameOf(recording)} cannot be read: {exception.Message.TrimEnd('.')}.", exception);
        }

        file.Position = 0;
        embedded.Keep(recording, file);
        return AudioFile.Load(file, AudioFile.NameOf(recording), Ffmpeg.OnPath, cancellation);
    }

    /// <summary>Loads what a name or a pattern without matches stands for.</summary>
    /// <exception cref="AudioException">It cannot be read.</exception>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    public static AudioClip LoadFile(string name, CancellationToken cancellation) => RecordingFiles.IsPattern(name)
        ? throw new AudioException($"No file matches '{name}': check the pattern and the folder.")
        : AudioFile.Load(name, cancellation);

    private IReadOnlyList<string> Expand(ParseResult parsed, string name)
    {
        if (name == AudioFile.StandardInput || WebRecording.IsAddress(name))
        {
            return [name];
        }

        return parsed.GetValue(_recursive) && Directory.Exists(name) && RecordingFiles.Below(name) is { Count: > 0 } below ? below : RecordingFiles.Named(name);
    }

    private static long? ParseSize(string text)
    {
        if (SizePattern().Match(text) is not { Success: true } match || !double.TryParse(match.Groups["number"].Value, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out double number))
        {
            return null;
        }

        number *= match.Groups["unit"].Value.ToUpperInvariant() switch { "K" => 1e3, "M" => 1e6, "G" => 1e9, _ => 1 };
        return number >= 1 && number <= WebLimits.MostBytes ? (long)number : null;
    }

    [GeneratedRegex("^(?<number>[0-9]+([.][0-9]+)?)((?<unit>[kmg])?b?)$", RegexOptions.IgnoreCase)]
    private static partial Regex SizePattern();
}
