using System.Buffers.Binary;
using System.Text;

namespace Handwritten.Model.Tests.Safetensors;

/// <summary>Safetensors files put together byte by byte, right or wrong, without the writer under test.</summary>
internal static class RawFile
{
    /// <summary>The length of the header, the header, and data bytes 0, 1, 2, ...</summary>
    public static byte[] Make(string header, int dataLength) =>
        Make(Encoding.UTF8.GetBytes(header), [.. Enumerable.Range(0, dataLength).Select(i => (byte)i)]);

    public static byte[] Make(byte[] header, byte[] data) => [.. Length((ulong)header.Length), .. header, .. data];

    public static byte[] Length(ulong value)
    {
        byte[] bytes = new byte[8];
        BinaryPrimitives.WriteUInt64LittleEndian(bytes, value);
        return bytes;
    }

    /// <summary>A header of some members.</summary>
    public static string Header(params string[] members) => $"{{{string.Join(",", members)}}}";

    /// <summary>A tensor's line in the header.</summary>
    public static string Entry(string name, string type, string shape, long begin, long end) =>
        $$"""
        "{{name}}":{"dtype":"{{type}}","shape":{{shape}},"data_offsets":[{{begin}},{{end}}]}
        """;
}
