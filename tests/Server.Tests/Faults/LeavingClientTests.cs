using Xunit;

namespace Handwritten.Server.Tests.Faults;

/// <summary>Clients that leave before they have been told everything.</summary>
public sealed class LeavingClientTests
{
    [Fact]
    public async Task Clients_that_leave_in_the_middle_of_a_stream_of_events_are_no_errors()
    {
        await using RunningServer server = await RunningServer.StartAsync();
        await server.IsUnharmedAsync();
        byte[] minutes = RunningServer.Repeated(100);
        for (int i = 0; i < 3; i++)
        {
            using HttpClient client = new() { BaseAddress = server.Address };
            using HttpRequestMessage request = new(HttpMethod.Post, "/v1/audio/transcriptions") { Content = RunningServer.Form(minutes, ("stream", "true"), ("beam_size", "8")) };
            using HttpResponseMessage response = await client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
            using StreamReader events = new(await response.Content.ReadAsStreamAsync());
            Assert.StartsWith("data: {\"type\":\"transcript.text.delta\"", await events.ReadLineAsync(), StringComparison.Ordinal);
        }

        await server.IsUnharmedAsync();
        Assert.Empty(server.Errors);
    }
}
