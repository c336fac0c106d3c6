using System.Text;

namespace Handwritten.Runtime.Output;

/// <summary>Writes transcripts to files.</summary>
public static class TranscriptFiles
{
    /// <summary>
    /// The name that transcripts of a recording get, before their extension: the recording's file name without its last
    /// extension (<c>dir/my.audio.flac</c>: <c>my.audio</c>, <c>.hidden</c>: <c>.hidden</c>).
    /// </summary>
    /// <param name="recording">Path of the recording.</param>
    public static string BaseName(string recording)
    {
        // Dots at the beginning belong to the name. Source: Python, os.path.splitext.
        string name = Path.GetFileName(recording);
        int nameStart = name.Length - name.TrimStart('.').Length;
        int dot = name.LastIndexOf('.');
        return dot > nameStart ? name[..dot] : name;
    }

    /// <summary>
    /// Creates a folder for transcripts unless it is there, and a file in it that goes at once: trouble is better known
    /// before hours of work.
    /// </summary>
    /// <param name="folder">Its path.</param>
    /// <exception cref="OutputException">The folder cannot be created, or no file in it.</exception>
    public static void PrepareFolder(string folder)
    {
        CreateFolder(folder);
        try
        {
            using FileStream file = new(WholeFile.PassingName(folder), FileMode.CreateNew, FileAccess.Write, FileShare.None, bufferSize: 1, FileOptions.DeleteOnClose);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new OutputException($"The output folder '{folder}' takes no files ({Reason(exception)}); choose another one, or make this one writable.", exception);
        }
    }

    /// <summary>
    /// Writes a transcript in several formats: UTF-8 without a byte order mark, lines ending in line feeds. The files appear
    /// when all of them are written; if one cannot be, none does.
    /// </summary>
    /// <param name="folder">Where to; created if missing.</param>
    /// <param name="baseName">The files' name before the extension; see <see cref="BaseName"/>.</param>
    /// <param name="formats">The formats; see <see cref="TranscriptWriters"/>.</param>
    /// <param name="transcript">What to write.</param>
    /// <param name="options">How to lay out subtitles.</param>
    /// <returns>The paths of the files, in the order of the formats.</returns>
    /// <exception cref="OutputException">The folder cannot be created, or a file in it cannot be written.</exception>
    public static IReadOnlyList<string> Write(
        string folder, string baseName, IEnumerable<ITranscriptWriter> formats, Transcript transcript, WriterOptions options)
    {
        CreateFolder(folder);
        (string Path, ITranscriptWriter Writer)[] outputs = [.. formats.Select(writer => (Path.Combine(folder, $"{baseName}.{writer.Extension}"), writer))];
        Write(outputs, transcript, options);
        return [.. outputs.Select(output => output.Path)];
    }

    /// <summary>Writes a transcript to a file, as above, whatever its name ends in.</summary>
    /// <param name="path">The file; its folder is created if missing.</param>
    /// <param name="writer">The format.</param>
    /// <param name="transcript">What to write.</param>
    /// <param name="options">How to lay out subtitles.</param>
    /// <exception cref="OutputException">It cannot be written.</exception>
    public static void Write(string path, ITranscriptWriter writer, Transcript transcript, WriterOptions options)
    {
        CreateFolder(Path.GetDirectoryName(Path.GetFullPath(path))!);
        Write([(path, writer)], transcript, options);
    }

    private static void Write(IEnumerable<(string Path, ITranscriptWriter Writer)> outputs, Transcript transcript, WriterOptions options)
    {
        List<(string Path, WholeFile File)> files = [];
        string path = "";
        try
        {
            foreach ((string output, ITranscriptWriter writer) in outputs)
            {
                path = output;
                files.Add((path, new WholeFile(path, file =>
                {
                    using StreamWriter text = new(file, new UTF8Encoding(encoderShouldEmitUTF8Identifier: false), leaveOpen: true);
                    writer.Write(transcript, text, options);
                })));
            }

            foreach ((string name, WholeFile file) in files)
            {
                path = name;
                file.Appear();
            }
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new OutputException($"The transcript '{path}' cannot be written ({Reason(exception)}); choose another output folder or name, or make this one writable.", exception);
        }
        finally
        {
            files.ForEach(file => file.File.Dispose());
        }
    }

    private static void CreateFolder(string folder)
    {
        if (string.IsNullOrWhiteSpace(folder))
        {
            throw new OutputException("The output folder has no name; a dot stands for the current one.");
        }

        try
        {
            Directory.CreateDirectory(folder);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException or ArgumentException)
        {
            throw new OutputException($"The output folder '{folder}' cannot be created ({Reason(exception)}); choose another one.", exception);
        }
    }

    private static string Reason(Exception exception) => exception.Message.TrimEnd('.');
}
