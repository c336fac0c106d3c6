using System.IO.Compression;
using System.Text;
using Handwritten.Runtime.Decoding.Zlib;

namespace Handwritten.Runtime.Decoding;

/// <summary>
/// How much shorter a text gets when compressed. A decoder that is stuck repeats itself, and repetition is what
/// compression removes: speech stays near 1.5, a loop goes far beyond 2.4, where decoding is tried again.
/// Source: openai/whisper, utils.py, compression_ratio.
/// </summary>
/// <remarks>
/// The original compresses with zlib, .NET with zlib-ng, which takes other repetitions and comes out some bytes off. The
/// size is all that is needed here, so it is computed as zlib would: to the byte, for texts of any window.
/// </remarks>
public static class CompressionRatio
{
    /// <summary>Bytes of zlib's format around the block: a head, and a checksum.</summary>
    private const int Around = 2 + 4;

    [ThreadStatic]
    private static ZlibMatches? _matches;

    [ThreadStatic]
    private static DeflateBlock? _block;

    /// <summary>Bytes of UTF-8 for each byte of their zlib form; 0 for no text.</summary>
    /// <param name="text">The text. One of more than 16 000 bytes is left to zlib-ng.</param>
    public static double Of(string text)
    {
        byte[] bytes = Encoding.UTF8.GetBytes(text);
        return bytes.Length == 0 ? 0 : (double)bytes.Length / (bytes.Length <= ZlibMatches.MostBytes ? Around + BlockBytes(bytes) : LibraryBytes(bytes));
    }

    private static int BlockBytes(byte[] bytes)
    {
        ZlibMatches matches = _matches ??= new ZlibMatches();
        DeflateBlock block = _block ??= new DeflateBlock();
        block.Clear();
        matches.Cut(bytes, block);
        return block.EndBytes(bytes.Length);
    }

    private static long LibraryBytes(byte[] bytes)
    {
        using MemoryStream compressed = new();
        using (ZLibStream stream = new(compressed, CompressionLevel.SmallestSize, leaveOpen: true))
        {
            stream.Write(bytes);
        }

        return compressed.Length;
    }
}
