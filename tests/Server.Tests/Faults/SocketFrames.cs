using System.Text;

namespace Handwritten.Server.Tests.Faults;

/// <summary>Frames of a WebSocket (RFC 6455, section 5.2), right and wrong ones.</summary>
internal static class SocketFrames
{
    /// <summary>A whole text message, masked with zeros, which leave it as it is.</summary>
    public static byte[] Text(string text)
    {
        byte[] bytes = Encoding.UTF8.GetBytes(text);
        return [0x81, .. Length(bytes.Length), 0, 0, 0, 0, .. bytes];
    }

    /// <summary>A message that the mask, which clients must use, is missing from.</summary>
    public static byte[] Unmasked { get; } = [0x81, 14, .. "{\"type\":\"end\"}"u8];

    /// <summary>A frame of a kind that does not exist.</summary>
    public static byte[] UnknownKind { get; } = [0x83, 0x80, 0, 0, 0, 0];

    /// <summary>A text that is no UTF-8.</summary>
    public static byte[] BrokenText { get; } = [0x81, 0x82, 0, 0, 0, 0, 0xc3, 0x28];

    /// <summary>The head of a frame that claims 8 exabytes.</summary>
    public static byte[] Endless { get; } = [0x82, 0xff, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0];

    private static byte[] Length(int length) => length < 126 ? [(byte)(0x80 | length)] : [0xfe, (byte)(length >> 8), (byte)length];
}
