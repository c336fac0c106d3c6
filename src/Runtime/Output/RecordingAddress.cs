namespace Handwritten.Runtime.Output;

/// <summary>How a web page finds the recording it plays.</summary>
public static class RecordingAddress
{
    /// <summary>The largest recording within a page: in base64 it takes the 32 MB that the strictest of the great browsers, Firefox, allows an address.</summary>
    public const int MostEmbeddedBytes = 24_000_000;

    /// <summary>The address of a file as seen from a folder: <c>../talks/my%20talk.mp3</c>.</summary>
    /// <param name="recording">Path of the recording.</param>
    /// <param name="folder">The folder that the page is written to.</param>
    public static string Relative(string recording, string folder)
    {
        string relative = Path.GetRelativePath(Path.GetFullPath(folder), Path.GetFullPath(recording));
        return Path.IsPathRooted(relative)
            ? new Uri(relative).AbsoluteUri
            : string.Join('/', relative.Split(Path.DirectorySeparatorChar).Select(Uri.EscapeDataString));
    }

    /// <summary>
    /// A recording within the page itself, so that the one file is all there is to send. The page is a third larger than
    /// the recording.
    /// </summary>
    /// <param name="file">All bytes of the recording's file, at most <see cref="MostEmbeddedBytes"/>.</param>
    /// <exception cref="ArgumentException">It is larger.</exception>
    public static string Embedded(ReadOnlySpan<byte> file)
    {
        if (file.Length > MostEmbeddedBytes)
        {
            throw new ArgumentException($"A file of {file.Length} bytes is too large to be put into a web page.", nameof(file));
        }

        return $"data:{MediaType(file)};base64,{Convert.ToBase64String(file)}";
    }

    /// <summary>What a file is, by its first bytes: its name may be missing, or wrong. Browsers look for themselves at what is unknown here.</summary>
    private static string MediaType(ReadOnlySpan<byte> file) => file switch
    {
        _ when file.StartsWith("RIFF"u8) || file.StartsWith("RF64"u8) => "audio/wav",
        _ when file.StartsWith("fLaC"u8) => "audio/flac",
        _ when file.StartsWith("OggS"u8) => "audio/ogg",
        _ when file.Length > 12 && file[4..12].SequenceEqual("ftypM4A "u8) => "audio/mp4",
        _ when file.Length > 8 && file[4..8].SequenceEqual("ftyp"u8) => "video/mp4",
        [0x1A, 0x45, 0xDF, 0xA3, ..] => "video/webm", // or Matroska, which browsers that play it take for the same
        [0xFF, 0xF0 or 0xF1 or 0xF8 or 0xF9, ..] => "audio/aac",
        [0xFF, >= 0xE0, ..] or [(byte)'I', (byte)'D', (byte)'3', ..] => "audio/mpeg",
        _ => "application/octet-stream",
    };
}
