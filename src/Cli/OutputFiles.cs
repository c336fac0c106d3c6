using Handwritten.Runtime;
using Handwritten.Runtime.Audio;
using Handwritten.Runtime.Output;

namespace Handwritten.Cli;

/// <summary>The files that transcripts go to: one for each recording and format, named after the recording.</summary>
/// <param name="formats">The formats; none writes nothing.</param>
/// <param name="folder">Where to.</param>
/// <param name="layout">How subtitles are laid out.</param>
internal sealed class OutputFiles(IReadOnlyList<ITranscriptWriter> formats, string folder, WriterOptions layout)
{
    /// <summary>Finds out what would fail at the end, before hours of work.</summary>
    /// <exception cref="UsageException">Two recordings would have the same files.</exception>
    /// <exception cref="OutputException">The folder cannot be created, or no file in it.</exception>
    public void Prepare(IEnumerable<string> recordings)
    {
        if (formats.Count == 0)
        {
            return;
        }

        foreach (IGrouping<string, string> same in recordings.GroupBy(BaseName).Where(group => group.Count() > 1))
        {
            throw new UsageException($"'{same.First()}' and '{same.Last()}' would both be written to '{same.Key}.{formats[0].Extension}': transcribe them one by one, with different --output-dir.");
        }

        TranscriptFiles.PrepareFolder(folder);
    }

    /// <summary>Writes a transcript; every file appears whole or not at all.</summary>
    /// <exception cref="OutputException">A file cannot be written.</exception>
    public void Write(string recording, Transcript transcript)
    {
        if (formats.Count > 0)
        {
            TranscriptFiles.Write(folder, BaseName(recording), formats, transcript, layout with
            {
                Title = BaseName(recording),
                Recording = recording == AudioFile.StandardInput ? null : RecordingAddress.Relative(recording, folder),
            });
        }
    }

    private static string BaseName(string recording) =>
        recording == AudioFile.StandardInput ? "stdin" : TranscriptFiles.BaseName(recording);
}
