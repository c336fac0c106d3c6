using Handwritten.Runtime;
using Handwritten.Runtime.Audio;
using Handwritten.Runtime.Output;

namespace Handwritten.Cli;

/// <summary>The files that transcripts go to: one for each recording and format, named after the recording.</summary>
/// <param name="formats">The formats; none writes nothing.</param>
/// <param name="folder">Where to.</param>
/// <param name="template">How they are called; null for <see cref="DistinctNames"/>.</param>
/// <param name="layout">How subtitles are laid out.</param>
/// <param name="tell">Takes a sentence for the user.</param>
internal sealed class OutputFiles(IReadOnlyList<ITranscriptWriter> formats, string folder, OutputName? template, WriterOptions layout, Action<string> tell)
{
    /// <summary>Where files go unless somebody says where.</summary>
    public const string CurrentFolder = ".";

    private const int MostTold = 3;

    private readonly Dictionary<string, (int Number, string Name)> _recordings = [];

    /// <summary>Finds out what would fail at the end, before hours of work.</summary>
    /// <param name="recordings">Those whose transcripts are written; others have no files.</param>
    /// <exception cref="UsageException">Two recordings would have the same files.</exception>
    /// <exception cref="OutputException">The folder cannot be created, or no file in it.</exception>
    public void Prepare(IReadOnlyList<string> recordings)
    {
        if (formats.Count == 0 || recordings.Count == 0)
        {
            return;
        }

        string[] names = DistinctNames.Of(recordings);
        for (int i = 0; i < recordings.Count; i++)
        {
            _recordings[recordings[i]] = (i + 1, names[i]);
        }

        // Where languages may differ, but need not, they are taken for the same.
        foreach (IGrouping<string, string> same in recordings.GroupBy(recording => BaseName(recording, "", "")).Where(group => group.Count() > 1))
        {
            throw new UsageException($"'{same.First()}' and '{same.Last()}' would both be written to '{same.Key}.{formats[0].Extension}': tell them apart with --output-name, such as {{folder}}-{{name}} or {{number}}-{{name}}.");
        }

        try
        {
            TranscriptFiles.PrepareFolder(folder);
        }
        catch (OutputException failure)
        {
            throw new OutputException($"{failure.Message.TrimEnd('.')}, or give --output-format none to print only.", failure);
        }

        if (template is null)
        {
            TellOthers([.. recordings.Zip(names)]);
        }
    }

    /// <summary>Writes a transcript; all files appear whole, or none.</summary>
    /// <param name="recording">Nothing is written unless it was prepared.</param>
    /// <param name="transcript">What was said.</param>
    /// <param name="model">Finds the model's name.</param>
    /// <exception cref="OutputException">A file cannot be written.</exception>
    public void Write(string recording, Transcript transcript, Func<string> model)
    {
        if (!_recordings.ContainsKey(recording))
        {
            return;
        }

        string name = BaseName(recording, template is { NamesModel: true } ? model() : "", transcript.Language);
        TranscriptFiles.Write(folder, name, formats, transcript, layout with
        {
            Title = OutputName.NameOf(recording),
            Recording = recording switch
            {
                AudioFile.StandardInput => null,
                _ when WebRecording.IsAddress(recording) => recording,
                _ => RecordingAddress.Relative(recording, folder),
            },
        });
        string[] endings = [.. formats.Select(format => $".{format.Extension}")];
        string last = endings.Length > 1 ? $" and {endings[^1]}" : endings[0];
        tell($"wrote {(folder == CurrentFolder ? name : Path.Combine(folder, name))}{string.Join(", ", endings[..^1])}{last}");
    }

    private string BaseName(string recording, string model, string language)
    {
        (int number, string name) = _recordings[recording];
        return template?.For(recording, number, model, language) ?? name;
    }

    /// <summary>Tells which recordings have other names than openai/whisper gives them.</summary>
    private void TellOthers((string Recording, string Name)[] files)
    {
        (string Recording, string Name)[] others = [.. files.Where(file => file.Name != OutputName.NameOf(file.Recording))];
        if (others.Length > 0)
        {
            string ending = formats[0].Extension, more = others.Length > MostTold ? $", {others.Length - MostTold} more likewise" : "";
            tell($"Of several recordings with the same name, only the last is written to {OutputName.NameOf(others[0].Recording)}.{ending}: "
                + $"{string.Join(", ", others.Take(MostTold).Select(file => $"'{file.Recording}' to {file.Name}.{ending}"))}{more}.");
        }
    }
}
