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
    private readonly ConcurrentDictionary<string, byte[]> _kept = [];

    /// <summary>Keeps what a recording's file holds, unless it is too large for a page.</summary>
    /// <param name="recording">As it was named on the command line.</param>
    /// <param name="file">The file; read to its end, and set back to its beginning.</param>
    public void Keep(string recording, MemoryStream file)
    {
        if (file.Length <= RecordingAddress.MostEmbeddedBytes)
        {
            _kept[recording] = file.ToArray();
        }
    }

    /// <summary>The recording as an address that holds all of it; null where it is too large, which is told.</summary>
    /// <param name="recording">As it was named on the command line.</param>
    /// <exception cref="OutputException">The recording cannot be read any more.</exception>
    public string? AddressOf(string recording)
    {
        bool isFile = recording != AudioFile.StandardInput && !WebRecording.IsAddress(recording);
        byte[]? bytes = isFile ? Read(recording) : _kept.GetValueOrDefault(recording);
        _kept.TryRemove(recording, out _);
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
            return new FileInfo(recording).Length <= RecordingAddress.MostEmbeddedBytes ? File.ReadAllBytes(recording) : null;
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new OutputException($"The recording '{recording}' cannot be put into the web page ({exception.Message.TrimEnd('.')}); leave --embed-audio out.", exception);
        }
    }
}
