using System.ClientModel;
using Handwritten.Server.Tests.Live;
using OpenAI.Realtime;
using Xunit;

#pragma warning disable OPENAI002 // the client calls it a preview

namespace Handwritten.Server.Tests.OpenAi;

/// <summary>The official client of .NET in a realtime transcription.</summary>
[Collection(OneServerForAll.Name)]
public sealed class RealtimeClientTests(SharedServer shared)
{
    [Fact]
    public async Task It_configures_a_session_and_hears_what_each_turn_said()
    {
        using CancellationTokenSource patience = new(TimeSpan.FromMinutes(1));
        RealtimeClient client = new(new ApiKeyCredential("any"), new RealtimeClientOptions { Endpoint = new Uri($"ws://{shared.Server.Address.Authority}/v1") });
        using RealtimeSessionClient session = await client.StartTranscriptionSessionAsync(new RealtimeSessionClientOptions(), patience.Token);
        RealtimeTranscriptionSessionInputAudioOptions input = new()
        {
            AudioFormat = new RealtimePcmAudioFormat(),
            AudioTranscriptionOptions = new RealtimeAudioTranscriptionOptions { Model = "whisper-1", Language = "en" },
        };
        input.DisableTurnDetection();
        await session.ConfigureTranscriptionSessionAsync(new RealtimeTranscriptionSessionOptions { AudioOptions = new() { InputAudioOptions = input } }, patience.Token);

        List<RealtimeServerUpdate> updates = [];
        for (int turn = 0; turn < 2; turn++)
        {
            await session.SendInputAudioAsync(BinaryData.FromBytes(StreamOfTest.Sound(24_000, "pcm16")), patience.Token);
            await session.CommitPendingAudioAsync(patience.Token);
            await foreach (RealtimeServerUpdate update in session.ReceiveUpdatesAsync(patience.Token))
            {
                updates.Add(update);
                if (update is RealtimeServerUpdateConversationItemInputAudioTranscriptionCompleted)
                {
                    break;
                }
            }
        }

        Assert.IsType<RealtimeTranscriptionSession>(Assert.Single(updates.OfType<RealtimeServerUpdateSessionCreated>()).Session);
        RealtimeTranscriptionSession configured = Assert.IsType<RealtimeTranscriptionSession>(Assert.Single(updates.OfType<RealtimeServerUpdateSessionUpdated>()).Session);
        Assert.Equal("en", configured.AudioOptions.InputAudioOptions.AudioTranscriptionOptions.Language);
        Assert.Null(configured.AudioOptions.InputAudioOptions.TurnDetection);
        RealtimeServerUpdateConversationItemInputAudioTranscriptionCompleted[] completed = [.. updates.OfType<RealtimeServerUpdateConversationItemInputAudioTranscriptionCompleted>()];
        Assert.All(completed, update => Assert.Contains("rock music", update.Transcript, StringComparison.Ordinal));
        Assert.Equal(completed.Select(update => update.ItemId), updates.OfType<RealtimeServerUpdateInputAudioBufferCommitted>().Select(update => update.ItemId));
        Assert.Equal(2, completed.Select(update => update.ItemId).Distinct().Count());
        Assert.All(completed, update => Assert.IsType<RealtimeTranscriptionDurationUsage>(update.Usage));
        Assert.DoesNotContain(updates, update => update is RealtimeServerUpdateError);
    }
}
