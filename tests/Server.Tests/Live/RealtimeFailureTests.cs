using System.ClientModel;
using System.Net.WebSockets;
using System.Text.Json;
using Handwritten.Kernels.Gpu;
using Handwritten.Server.Tests.Faults;
using OpenAI.Realtime;
using Xunit;

#pragma warning disable OPENAI002 // the client calls it a preview

namespace Handwritten.Server.Tests.Live;

/// <summary>Turns that cannot be transcribed: the back end fails in their middle.</summary>
public sealed class RealtimeFailureTests : IAsyncLifetime
{
    private const string Transcription = "conversation.item.input_audio_transcription.";

    private readonly FaultyDevice _device = new();
    private RunningServer _server = null!;

    public async Task InitializeAsync()
    {
        _server = await RunningServer.StartAsync(options => options with { Models = [_device.Model] });
        await _server.IsUnharmedAsync(); // the model is loaded
    }

    public async Task DisposeAsync() => await _server.DisposeAsync();

    [Theory]
    [InlineData(false, "out_of_memory", true)]
    [InlineData(false, "device_failed", true)]
    [InlineData(true, "out_of_memory", true)]
    [InlineData(true, "device_failed", true)]
    [InlineData(true, "internal_error", false)]
    public async Task A_turn_that_cannot_be_transcribed_is_told_so_and_the_session_goes_on(bool findsTurns, string code, bool mayTryAgain)
    {
        // Without guesses in between, what fails is the last hypothesis of the turn.
        using (StreamOfTest stream = await StreamOfTest.OpenAsync(_server, "intent=transcription&language=en&interval=30", "realtime"))
        {
            if (!findsTurns)
            {
                await stream.SendTextAsync("""{"type":"session.update","session":{"audio":{"input":{"turn_detection":null}}}}""");
                await stream.ReadUntilAsync("session.updated");
            }
            else
            {
                await stream.ReadUntilAsync("session.created");
            }

            _device.FailNext("Conv1dGelu", () => code switch
            {
                "out_of_memory" => new GpuException("The GPU has too little memory.") { IsOutOfMemory = true },
                "device_failed" => new GpuException("The GPU failed in mid-run.") { IsDeviceLost = true },
                _ => new InvalidOperationException("A secret of the inside."),
            });
            await SpeakAsync(stream, findsTurns);
            IReadOnlyList<JsonElement> events = await stream.ReadUntilAsync($"{Transcription}failed");
            Assert.Equal(Turn(findsTurns, "failed"), events.Select(Type));
            string item = events.First(message => Type(message) == "input_audio_buffer.committed").GetProperty("item_id").GetString()!;
            JsonElement failed = events[^1], error = failed.GetProperty("error");
            Assert.Equal((item, 0), (failed.GetProperty("item_id").GetString(), failed.GetProperty("content_index").GetInt32()));
            Assert.Equal((code, "server_error", JsonValueKind.Null), (error.GetProperty("code").GetString(), error.GetProperty("type").GetString(), error.GetProperty("param").ValueKind));
            Assert.Equal(mayTryAgain, error.GetProperty("message").GetString()!.Contains("try again", StringComparison.Ordinal));
            Assert.DoesNotContain("secret", error.GetProperty("message").GetString(), StringComparison.Ordinal);

            await SpeakAsync(stream, findsTurns);
            events = await stream.ReadUntilAsync($"{Transcription}completed");
            Assert.Equal(Turn(findsTurns, "completed"), events.Select(Type).Where(type => type != $"{Transcription}delta"));
            Assert.Contains("rock music", events[^1].GetProperty("transcript").GetString(), StringComparison.Ordinal);
            JsonElement committed = events.First(message => Type(message) == "input_audio_buffer.committed");
            Assert.Equal(item, committed.GetProperty("previous_item_id").GetString());
            Assert.NotEqual(item, committed.GetProperty("item_id").GetString());
        }

        await _server.IsUnharmedAsync();
        Assert.Equal((code == "device_failed" ? 2 : 1, 1), (_device.TimesOpened, _device.MostAtOnce));
    }

    [Fact]
    public async Task Sound_that_comes_while_a_turn_fails_belongs_to_the_next_one()
    {
        using (StreamOfTest stream = await StreamOfTest.OpenAsync(_server, "intent=transcription&language=en", "realtime"))
        {
            // The first guess fails while somebody goes on speaking.
            _device.FailNext("Conv1dGelu", () => new InsufficientMemoryException());
            await SpeakAsync(stream, findsTurns: true);
            await stream.ReadUntilAsync($"{Transcription}failed");
            for (string text = ""; !text.Contains("rock music", StringComparison.Ordinal);)
            {
                await SpeakAsync(stream, findsTurns: true);
                text = (await stream.ReadUntilAsync($"{Transcription}completed"))[^1].GetProperty("transcript").GetString()!;
            }
        }

        await _server.IsUnharmedAsync();
    }

    [Fact]
    public async Task A_native_stream_ends_with_what_has_failed()
    {
        using (StreamOfTest stream = await StreamOfTest.OpenAsync(_server, "language=en"))
        {
            _device.FailNext("Conv1dGelu", () => new GpuException("The GPU failed in mid-run.") { IsDeviceLost = true });
            Task<IReadOnlyList<JsonElement>> heard = stream.ReadToEndAsync();
            await Task.WhenAny(stream.SendAsync(StreamOfTest.Sound(16_000, "pcm16"), 3200)); // it may be closed meanwhile
            JsonElement last = (await heard)[^1];
            Assert.Equal(("error", "device_failed"), (Type(last), last.GetProperty("error").GetProperty("code").GetString()));
            Assert.Equal(WebSocketCloseStatus.EndpointUnavailable, stream.CloseStatus);
        }

        await _server.IsUnharmedAsync();
        Assert.Equal((2, 1), (_device.TimesOpened, _device.MostAtOnce));
    }

    [Fact]
    public async Task The_official_client_understands_it()
    {
        using CancellationTokenSource patience = new(TimeSpan.FromMinutes(1));
        RealtimeClient client = new(new ApiKeyCredential("any"), new RealtimeClientOptions { Endpoint = new Uri($"ws://{_server.Address.Authority}/v1") });
        using (RealtimeSessionClient session = await client.StartTranscriptionSessionAsync(new RealtimeSessionClientOptions(), patience.Token))
        {
            RealtimeTranscriptionSessionInputAudioOptions input = new() { AudioFormat = new RealtimePcmAudioFormat() };
            input.DisableTurnDetection();
            await session.ConfigureTranscriptionSessionAsync(new RealtimeTranscriptionSessionOptions { AudioOptions = new() { InputAudioOptions = input } }, patience.Token);
            _device.FailNext("Conv1dGelu", () => new GpuException("The GPU has too little memory.") { IsOutOfMemory = true });
            RealtimeServerUpdateConversationItemInputAudioTranscriptionFailed failed =
                Assert.IsType<RealtimeServerUpdateConversationItemInputAudioTranscriptionFailed>(await TurnAsync(session, patience.Token));
            Assert.Equal("out_of_memory", failed.Error.Code);
            RealtimeServerUpdateConversationItemInputAudioTranscriptionCompleted completed =
                Assert.IsType<RealtimeServerUpdateConversationItemInputAudioTranscriptionCompleted>(await TurnAsync(session, patience.Token));
            Assert.Contains("rock music", completed.Transcript, StringComparison.Ordinal);
            Assert.NotEqual(failed.ItemId, completed.ItemId);
        }
    }

    private static async Task<RealtimeServerUpdate> TurnAsync(RealtimeSessionClient session, CancellationToken patience)
    {
        await session.SendInputAudioAsync(BinaryData.FromBytes(StreamOfTest.Sound(24_000, "pcm16")), patience);
        await session.CommitPendingAudioAsync(patience);
        await foreach (RealtimeServerUpdate update in session.ReceiveUpdatesAsync(patience))
        {
            if (update is RealtimeServerUpdateConversationItemInputAudioTranscriptionFailed or RealtimeServerUpdateConversationItemInputAudioTranscriptionCompleted)
            {
                return update;
            }
        }

        throw new InvalidOperationException("The session has ended.");
    }

    private static async Task SpeakAsync(StreamOfTest stream, bool findsTurns)
    {
        foreach (byte[] piece in StreamOfTest.Sound(24_000, "pcm16").Chunk(4800))
        {
            await stream.SendTextAsync($$"""{"type":"input_audio_buffer.append","audio":"{{Convert.ToBase64String(piece)}}"}""");
        }

        if (!findsTurns)
        {
            await stream.SendTextAsync("""{"type":"input_audio_buffer.commit"}""");
        }
    }

    private static IEnumerable<string> Turn(bool findsTurns, string end) =>
    [
        .. findsTurns ? ["input_audio_buffer.speech_started", "input_audio_buffer.speech_stopped"] : Array.Empty<string>(),
        "input_audio_buffer.committed", "conversation.item.added", "conversation.item.done", $"{Transcription}{end}",
    ];

    private static string? Type(JsonElement message) => message.GetProperty("type").GetString();
}
