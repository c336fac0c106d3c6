using System.ComponentModel;
using System.Diagnostics;
using System.Text;
using Handwritten.Runtime.Audio;

namespace Handwritten.Runtime.Output;

/// <summary>
/// Puts subtitles into a video, with the ffmpeg program: as a track that a player can show and hide, which copies picture
/// and sound as they are, or drawn into the picture, which encodes it anew. Subtitles go to ffmpeg through its standard
/// input, and the new video has a passing name until it is whole.
/// </summary>
/// <param name="ffmpeg">The program.</param>
public sealed class SubtitledVideo(Ffmpeg ffmpeg)
{
    /// <summary>ffmpeg's names of the containers that take subtitles, and of the form that subtitles have in them.</summary>
    private static readonly Dictionary<string, (string Container, string Subtitles)> Forms = new(StringComparer.OrdinalIgnoreCase)
    {
        [".mp4"] = ("mp4", "mov_text"),
        [".m4v"] = ("mp4", "mov_text"),
        [".mov"] = ("mov", "mov_text"),
        [".mkv"] = ("matroska", "subrip"),
        [".webm"] = ("webm", "webvtt"),
    };

    /// <summary>The endings of the files that can be written, with their dots.</summary>
    public static IReadOnlyCollection<string> Endings => Forms.Keys;

    /// <summary>Adds a track of subtitles. The tracks that the video has stay, those of data apart.</summary>
    /// <param name="video">The video.</param>
    /// <param name="output">The new video; its ending is one of <see cref="Endings"/>.</param>
    /// <param name="transcript">What to show.</param>
    /// <param name="layout">How lines are laid out.</param>
    /// <param name="cancellation">Stops it.</param>
    /// <exception cref="OutputException">There is no ffmpeg, or it cannot do it.</exception>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    public void AddTrack(string video, string output, Transcript transcript, WriterOptions layout, CancellationToken cancellation = default) =>
        Write(video, output, transcript, layout,
            ["-f", "srt", "-i", "pipe:0", "-map", "0", "-map", "-0:s", "-map", "-0:d", "-map", "1:s", "-map", "0:s?", "-c", "copy"],
            subtitles => [IsLike(video, output) ? "-c:s:0" : "-c:s", subtitles, "-metadata:s:s:0", $"language={LanguageTags.ThreeLetters(transcript.Language)}", "-disposition:s:0", "default"],
            cancellation);

    /// <summary>Draws subtitles into the picture.</summary>
    /// <param name="video">The video.</param>
    /// <param name="output">The new video; its ending is one of <see cref="Endings"/>.</param>
    /// <param name="transcript">What to show.</param>
    /// <param name="layout">How lines are laid out.</param>
    /// <param name="cancellation">Stops it.</param>
    /// <exception cref="OutputException">There is no ffmpeg, or it cannot do it.</exception>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    public void Draw(string video, string output, Transcript transcript, WriterOptions layout, CancellationToken cancellation = default) =>
        Write(video, output, transcript, layout, ["-vf", @"subtitles=filename=pipe\\:0", "-c:a", "copy"], _ => [], cancellation);

    /// <summary>Whether a video has a picture to draw into, which is more than a cover. True where that cannot be found out.</summary>
    /// <param name="video">The video.</param>
    /// <param name="cancellation">Stops it.</param>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    public bool CanDrawInto(string video, CancellationToken cancellation = default) =>
        ffmpeg.Program is null || !Run(["-i", $"file:{Path.GetFullPath(video)}", "-map", "0:V:0", "-c", "copy", "-frames:v", "1", "-f", "null", "-"], "", cancellation)
            .Complaint.Contains("matches no streams", StringComparison.Ordinal);

    // Containers do not share their forms of subtitles: in another one, those that the video has are converted, too.
    private static bool IsLike(string video, string output) => Path.GetExtension(video).Equals(Path.GetExtension(output), StringComparison.OrdinalIgnoreCase);

    private void Write(
        string video, string output, Transcript transcript, WriterOptions layout, string[] arguments, Func<string, string[]> further, CancellationToken cancellation)
    {
        if (ffmpeg.Program is null)
        {
            throw new OutputException("Subtitles are put into a video by the ffmpeg program, which is not on the PATH: install it, or leave the subtitles in a file of their own.");
        }

        if (!Forms.TryGetValue(Path.GetExtension(output), out (string Container, string Subtitles) form))
        {
            throw new OutputException($"'{output}' must end in {string.Join(", ", Endings.SkipLast(1))} or {Endings.Last()} to take subtitles.");
        }

        StringWriter subtitles = new();
        SubtitleWriter.SubRip.Write(transcript, subtitles, layout);
        string passing = WholeFile.PassingName(Path.GetDirectoryName(Path.GetFullPath(output))!);
        try
        {
            (int exitCode, string complaint) = Run(["-i", $"file:{Path.GetFullPath(video)}", .. arguments, .. further(form.Subtitles), "-f", form.Container, $"file:{passing}"], subtitles.ToString(), cancellation);
            if (exitCode != 0)
            {
                throw new OutputException($"ffmpeg cannot write '{output}' (\"{complaint.TrimEnd('.')}\"); try another ending, such as .mkv.");
            }

            File.Move(passing, output, overwrite: true);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException or Win32Exception)
        {
            throw new OutputException($"The video '{output}' cannot be written ({exception.Message.TrimEnd('.')}); choose another place.", exception);
        }
        finally
        {
            File.Delete(passing);
        }
    }

    /// <summary>Runs ffmpeg to its end.</summary>
    /// <returns>Its exit code, and the first line of what it complains about.</returns>
    private (int ExitCode, string Complaint) Run(string[] arguments, string subtitles, CancellationToken cancellation)
    {
        ProcessStartInfo start = new(ffmpeg.Program!, ["-hide_banner", "-nostats", "-loglevel", "error", "-nostdin", "-protocol_whitelist", "file,pipe,crypto,data", .. arguments])
        {
            RedirectStandardInput = true,
            RedirectStandardError = true,
            StandardInputEncoding = new UTF8Encoding(encoderShouldEmitUTF8Identifier: false),
            UseShellExecute = false,
            CreateNoWindow = true,
        };
        using Process process = Process.Start(start)!;
        using CancellationTokenRegistration kill = cancellation.Register(() => process.Kill(entireProcessTree: true));
        Task<string> complaints = process.StandardError.ReadToEndAsync(CancellationToken.None);
        try
        {
            process.StandardInput.Write(subtitles);
            process.StandardInput.Close();
        }
        catch (IOException)
        {
            // It has ended already; its exit code says why.
        }

        process.WaitForExit();
        cancellation.ThrowIfCancellationRequested();
        string[] lines = complaints.Result.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
        return (process.ExitCode, lines.FirstOrDefault() ?? $"exit code {process.ExitCode}");
    }
}
