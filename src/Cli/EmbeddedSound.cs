using System.Collections.Concurrent;
using Handwritten.Runtime.Audio;
using Handwritten.Runtime.Output;

namespace Handwritten.Cli;

/// <summary>
/// The recordings that are to be put into web pages: files are read when their page is written; what comes from an address or
/// a pipe comes once, and is kept until then.
/// </summary>
/// <param name="tell">Takes a sentence for the user.</param>
internal sealed class EmbeddedSound(Action<string> tell)
{
    /// <summary>What can be read only once; null for what is too large.</summary>
    private readonly ConcurrentDictionary<string, byte[]?> _kept = [];

    /// <summary>Keeps what a recording's file holds, unless it is too large for a page.</summary>
    /// <param name="recording">As it was named on the command line.</param>
    /// <param name="file">The file, as it was read.</param>
    public void Keep(string recording, MemoryStream file) => _kept[recording] = file.Length <= RecordingAddress.MostEmbeddedBytes ? file.ToArray() : null;

    /// <summary>The recording as an address that holds all of it; null where it is too large, which is told.</summary>
    /// <param name="recording">As it was named on the command line.</param>
    /// <exception cref="OutputException">The recording cannot be read any more.</exception>
    public string? AddressOf(string recording)
    {
        byte[]? bytes = _kept.TryRemove(recording, out byte[]? kept) ? kept : Read(recording);
        if (bytes is not null)
        {
            return RecordingAddress.Embedded(bytes);
        }

        string name = recording == AudioFile.StandardInput ? "standard input" : $"'{WebRecording.Shown(recording)}'";
        tell($"{name} is larger than the {RecordingAddress.MostEmbeddedBytes / 1_000_000} MB that browsers take within a page: the page {(recording == AudioFile.StandardInput ? "asks for it" : "links to it")}.");
        return null;
    }

    private static byte[]? Read(string recording)
    {
        try
        {
            // The length of what a link leads to, too.
            using FileStream file = File.OpenRead(recording);
            if (file.Length > RecordingAddress.MostEmbeddedBytes)
            {
                return null;
            }

            byte[] bytes = new byte[file.Length];
            file.ReadExactly(bytes);
            return bytes;
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new OutputException($"The recording '{recording}' cannot be put into the web page ({exception.Message.TrimEnd('.')}); leave --embed-audio out.", exception);
        }
    }
}
