using Handwritten.Runtime;
using Handwritten.Runtime.Audio;
using Handwritten.Runtime.Output;

namespace Handwritten.Cli;

/// <summary>The files that transcripts go to: one for each recording and format, named after the recording.</summary>
/// <param name="formats">The formats; none writes nothing.</param>
/// <param name="folder">Where to.</param>
/// <param name="name">How they are called.</param>
/// <param name="layout">How subtitles are laid out.</param>
internal sealed class OutputFiles(IReadOnlyList<ITranscriptWriter> formats, string folder, OutputName name, WriterOptions layout)
{
    private readonly Dictionary<string, int> _numbers = [];

    /// <summary>Finds out what would fail at the end, before hours of work.</summary>
    /// <exception cref="UsageException">Two recordings would have the same files.</exception>
    /// <exception cref="OutputException">The folder cannot be created, or no file in it.</exception>
    public void Prepare(IReadOnlyList<string> recordings)
    {
        if (formats.Count == 0)
        {
            return;
        }

        for (int i = 0; i < recordings.Count; i++)
        {
            _numbers[recordings[i]] = i + 1;
        }

        // Where languages may differ, but need not, they are taken for the same.
        foreach (IGrouping<string, string> same in recordings.GroupBy(recording => BaseName(recording, "", "")).Where(group => group.Count() > 1))
        {
            throw new UsageException($"'{same.First()}' and '{same.Last()}' would both be written to '{same.Key}.{formats[0].Extension}': tell them apart with --output-name, such as {{folder}}-{{name}} or {{number}}-{{name}}.");
        }

        TranscriptFiles.PrepareFolder(folder);
    }

    /// <summary>Writes a transcript; every file appears whole or not at all.</summary>
    /// <param name="recording">One of those that were prepared.</param>
    /// <param name="transcript">What was said.</param>
    /// <param name="model">Finds the model's name.</param>
    /// <exception cref="OutputException">A file cannot be written.</exception>
    public void Write(string recording, Transcript transcript, Func<string> model)
    {
        if (formats.Count > 0)
        {
            TranscriptFiles.Write(folder, BaseName(recording, name.NamesModel ? model() : "", transcript.Language), formats, transcript, layout with
            {
                Title = OutputName.NameOf(recording),
                Recording = recording switch
                {
                    AudioFile.StandardInput => null,
                    _ when WebRecording.IsAddress(recording) => recording,
                    _ => RecordingAddress.Relative(recording, folder),
                },
            });
        }
    }

    private string BaseName(string recording, string model, string language) => name.For(recording, _numbers[recording], model, language);
}
