using System.IO.Compression;
using System.Text;

namespace Handwritten.Runtime.Decoding;

/// <summary>
/// How much shorter a text gets when compressed. A decoder that is stuck repeats itself, and repetition is what
/// compression removes: speech stays near 1.5, a loop goes far beyond 2.4, where decoding is tried again.
/// Source: openai/whisper, utils.py, compression_ratio.
/// </summary>
/// <remarks>
/// The original compresses with zlib at level 6, .NET with zlib-ng, whose middle levels trade bytes for speed and come
/// out some percent larger. At the highest level both search alike, and a window's text gets the same size to the byte,
/// but for a repetition of three letters at its very end, which zlib-ng passes over: two bytes.
/// </remarks>
public static class CompressionRatio
{
    /// <summary>Bytes of UTF-8 for each byte of their zlib form; 0 for no text.</summary>
    /// <param name="text">The text.</param>
    public static double Of(string text)
    {
        byte[] bytes = Encoding.UTF8.GetBytes(text);
        if (bytes.Length == 0)
        {
            return 0;
        }

        using MemoryStream compressed = new();
        using (ZLibStream stream = new(compressed, CompressionLevel.SmallestSize, leaveOpen: true))
        {
            stream.Write(bytes);
        }

        return (double)bytes.Length / compressed.Length;
    }
}
