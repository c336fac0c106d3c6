using System.Globalization;
using System.Text.RegularExpressions;
using Handwritten.Runtime.Audio;
using Handwritten.Runtime.Output;

namespace Handwritten.Cli;

/// <summary>How the files of a recording are called, before their extension: <c>{name}</c>, or <c>{date} {name} ({language})</c>.</summary>
internal sealed partial class OutputName
{
    /// <summary>The fields that a template may have, and what they stand for.</summary>
    private static readonly Dictionary<string, Func<Values, string>> Fields = new()
    {
        ["name"] = values => values.Name,
        ["folder"] = values => values.Folder,
        ["number"] = values => values.Number.ToString("D3", CultureInfo.InvariantCulture),
        ["model"] = values => values.Model,
        ["language"] = values => values.Language,
        ["date"] = values => values.Now.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture),
        ["time"] = values => values.Now.ToString("HHmmss", CultureInfo.InvariantCulture),
    };

    private readonly string _template;
    private readonly DateTime _now = DateTime.Now;

    /// <summary>A template.</summary>
    /// <param name="option">The option it comes from, for messages.</param>
    /// <param name="template">Its text.</param>
    /// <exception cref="UsageException">It names no field there is, or a folder.</exception>
    public OutputName(string option, string template)
    {
        _template = template;
        if (template.AsSpan().Trim().Length == 0 || template.AsSpan().ContainsAny('/', '\\'))
        {
            throw new UsageException($"{option} is a file's name without a folder, such as {{date}}-{{name}}, but it is '{template}': give the folder with --output-dir.");
        }

        if (FieldPattern().Matches(template).Select(match => match.Groups[1].Value).FirstOrDefault(key => !Fields.ContainsKey(key)) is { } unknown)
        {
            throw new UsageException($"{option} knows no {{{unknown}}}.{Spelling.Suggest(unknown, Fields.Keys)} The fields are {FieldNames}.");
        }
    }

    /// <summary>The fields, for the help.</summary>
    public static string FieldNames => string.Join(", ", Fields.Keys.Select(key => $"{{{key}}}"));

    /// <summary>Whether the name depends on the model.</summary>
    public bool NamesModel => _template.Contains("{model}", StringComparison.Ordinal);

    /// <summary>The name for a recording.</summary>
    /// <param name="recording">Its path, its address, or standard input.</param>
    /// <param name="number">Which of the recordings it is, from 1.</param>
    /// <param name="model">The model's name.</param>
    /// <param name="language">Code of the language.</param>
    public string For(string recording, int number, string model, string language)
    {
        Values values = new(NameOf(recording), FolderOf(recording), number, Plain(model), language, _now);
        return FieldPattern().Replace(_template, match => Fields[match.Groups[1].Value](values));
    }

    /// <summary>A recording's own name: that of its file without the last extension.</summary>
    public static string NameOf(string recording) => WebRecording.IsAddress(recording)
        ? Plain(TranscriptFiles.BaseName(WebRecording.FileName(recording)))
        : TranscriptFiles.BaseName(RecordingInputs.PathOf(recording));

    /// <summary>The whole name of a recording's file.</summary>
    public static string FileNameOf(string recording) => WebRecording.IsAddress(recording)
        ? Plain(WebRecording.FileName(recording))
        : Path.GetFileName(RecordingInputs.PathOf(recording));

    private static string FolderOf(string recording) => recording switch
    {
        AudioFile.StandardInput => "stdin",
        _ when WebRecording.IsAddress(recording) => Plain(new Uri(recording).Host),
        _ => Plain(Path.GetFileName(Path.GetDirectoryName(Path.GetFullPath(recording))) ?? ""),
    };

    // What any system allows in a file's name.
    private static string Plain(string text) => string.Concat(text.Select(c => char.IsControl(c) || "/\\:*?\"<>|".Contains(c, StringComparison.Ordinal) ? '_' : c));

    private sealed record Values(string Name, string Folder, int Number, string Model, string Language, DateTime Now);

    [GeneratedRegex(@"\{(\w*)\}")]
    private static partial Regex FieldPattern();
}
