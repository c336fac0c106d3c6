namespace Handwritten.Runtime.Output;

/// <summary>How a web page finds the recording it plays.</summary>
public static class RecordingAddress
{
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
    /// <param name="recording">Path of the recording.</param>
    /// <exception cref="OutputException">The recording cannot be read.</exception>
    public static string Embedded(string recording)
    {
        try
        {
            return $"data:{MediaType(recording)};base64,{Convert.ToBase64String(File.ReadAllBytes(recording))}";
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new OutputException($"The recording '{recording}' cannot be put into the web page ({exception.Message.TrimEnd('.')}); leave it outside.", exception);
        }
    }

    private static string MediaType(string recording) => Path.GetExtension(recording).ToUpperInvariant() switch
    {
        ".WAV" => "audio/wav",
        ".MP3" => "audio/mpeg",
        ".FLAC" => "audio/flac",
        ".OGG" or ".OPUS" => "audio/ogg",
        ".M4A" or ".AAC" => "audio/mp4",
        ".MP4" or ".MOV" => "video/mp4",
        ".WEBM" => "video/webm",
        _ => "application/octet-stream",
    };
}
