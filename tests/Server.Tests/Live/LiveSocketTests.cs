using System.Text.Json;
using Handwritten.Server.Live;
using Handwritten.Server.Live.Realtime;
using Handwritten.Server.Models;
using Handwritten.Server.Operation;
using Handwritten.Server.Recognition;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;
using Xunit;

namespace Handwritten.Server.Tests.Live;

/// <summary>The order of what a client is told that reads slowly, while what was heard piles up.</summary>
[Collection(OneServerForAll.Name)]
public sealed class LiveSocketTests(SharedServer shared) : IAsyncLifetime, IDisposable
{
    private const string Started = "input_audio_buffer.speech_started", Cleared = "input_audio_buffer.cleared";

    /// <summary>What was said has been heard by then, and waits to be told; should it not, a test passes that might have failed.</summary>
    private static readonly TimeSpan Heard = TimeSpan.FromSeconds(3);

    private readonly SocketOfTest _client = new(heldAt: Started);
    private readonly CancellationTokenSource _aborted = new(), _revoked = new();
    private Task _serving = Task.CompletedTask;

    public async Task InitializeAsync()
    {
        _serving = ServeAsync();
        foreach (byte[] piece in StreamOfTest.Sound(RealtimeDialect.SampleRate, "pcm16").Chunk(1 << 16))
        {
            _client.Say($$"""{"type":"input_audio_buffer.append","audio":"{{Convert.ToBase64String(piece)}}"}""");
        }

        await _client.Held;
        await Task.Delay(Heard);
    }

    public async Task DisposeAsync()
    {
        await _aborted.CancelAsync();
        _client.LetGo();
        await _serving;
    }

    public void Dispose()
    {
        _client.Dispose();
        _aborted.Dispose();
        _revoked.Dispose();
    }

    [Fact]
    public async Task Nothing_of_what_was_cleared_is_told_afterwards()
    {
        _client.Say("""{"type":"input_audio_buffer.clear"}""");
        await Task.Delay(Heard);
        _client.LetGo();
        await Eventually.HoldsAsync(() => Task.FromResult(Types.Contains(Cleared)));
        _client.Say("""{"type":"input_audio_buffer.commit"}"""); // is answered behind all that came before
        await Eventually.HoldsAsync(() => Task.FromResult(Types[^1] == "error"));
        Assert.Equal([Cleared, "error"], Types.SkipWhile(type => type != Cleared));
    }

    [Fact]
    public async Task Behind_the_reason_why_a_session_ends_nothing_is_told_any_more()
    {
        await _revoked.CancelAsync();
        _client.LetGo();
        await _serving;
        Assert.Equal("error", Types[^1]);
        Assert.Single(Types, "error");
        Assert.Single(Types, type => type.EndsWith(".completed", StringComparison.Ordinal) || type.EndsWith(".failed", StringComparison.Ordinal));
        Assert.All(_client.Sent, message => Assert.True(!message.TryGetProperty("item_id", out JsonElement item) || item.ValueKind == JsonValueKind.String));
    }

    private string[] Types => [.. _client.Sent.Select(message => message.GetProperty("type").GetString()!)];

    private async Task ServeAsync()
    {
        IServiceProvider services = shared.Server.Services;
        ModelCatalogue models = services.GetRequiredService<ModelCatalogue>();
        StreamSettings settings = StreamSettings.Parse(new QueryCollection(), "test", RealtimeDialect.SampleRate);
        RealtimeDialect dialect = new(settings, RealtimeShape.Of(new DefaultHttpContext().Request), name => models.Find(name).Source.Name);
        await using LiveSession session = new(models, services.GetRequiredService<Recognizer>(), services.GetRequiredService<Telemetry>(), services.GetRequiredService<RequestLog>(), settings);
        using LiveSocket socket = new(_client, dialect, TimeSpan.FromMinutes(1), NullLogger.Instance);
        await socket.RunAsync(session, "whisper-nano", _aborted.Token, CancellationToken.None, CancellationToken.None, _revoked.Token);
    }
}
