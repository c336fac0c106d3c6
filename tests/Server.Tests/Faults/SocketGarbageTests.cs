using System.Net.WebSockets;
using System.Text;
using Xunit;

namespace Handwritten.Server.Tests.Faults;

/// <summary>Bytes in a WebSocket that no library would send.</summary>
public sealed class SocketGarbageTests
{
    // By name: the runner would write megabytes of theory data out as text, again and again.
    private static readonly Dictionary<string, (byte[] Bytes, WebSocketCloseStatus Status)> Garbage = new()
    {
        ["unmasked"] = (SocketFrames.Unmasked, WebSocketCloseStatus.ProtocolError),
        ["unknown kind"] = (SocketFrames.UnknownKind, WebSocketCloseStatus.ProtocolError),
        ["no UTF-8"] = (SocketFrames.BrokenText, WebSocketCloseStatus.InvalidPayloadData),
        ["endless"] = ([.. SocketFrames.Endless, .. new byte[(20 << 20) + 1]], WebSocketCloseStatus.MessageTooBig),
        ["HTTP"] = (Encoding.ASCII.GetBytes("GET / HTTP/1.1\r\n\r\n"), WebSocketCloseStatus.ProtocolError),
    };

    public static TheoryData<string> Kinds => [.. Garbage.Keys];

    [Theory]
    [MemberData(nameof(Kinds))]
    public async Task Garbage_closes_the_socket_and_harms_nobody(string what)
    {
        (byte[] garbage, WebSocketCloseStatus status) = Garbage[what];
        await using RunningServer server = await RunningServer.StartAsync();
        foreach (string path in new[] { "/v1/stream", "/v1/realtime" })
        {
            using RawClient client = await RawClient.OpenSocketAsync(server.Address, path);
            await client.FloodAsync(garbage, total: garbage.Length, TimeSpan.FromSeconds(10));
            byte[] told = await client.ReadToEndAsync(TimeSpan.FromSeconds(30));

            // The last frame is a close, whose payload begins with the status; after a breach of the protocol .NET resets the
            // connection, which may overtake it.
            int close = told.AsSpan().LastIndexOf((byte)0x88);
            Assert.True(close < 0 ? status != WebSocketCloseStatus.MessageTooBig : (told[close + 2] << 8 | told[close + 3]) == (int)status, $"{what} at {path}: {Encoding.ASCII.GetString(told)}");
        }

        await server.IsUnharmedAsync();
        Assert.DoesNotContain("Error", server.Log, StringComparison.Ordinal);
    }
}
