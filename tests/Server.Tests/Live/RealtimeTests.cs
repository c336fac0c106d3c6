using System.Text.Json;
using Xunit;

namespace Handwritten.Server.Tests.Live;

/// <summary>OpenAI's realtime transcription, message by message.</summary>
[Collection(OneServerForAll.Name)]
public sealed class RealtimeTests(SharedServer shared)
{
    private const string Transcription = "conversation.item.input_audio_transcription.";

    [Fact]
    public async Task Each_turn_that_voice_activity_finds_becomes_an_item_and_the_session_goes_on()
    {
        using StreamOfTest stream = await OpenAsync("language=en");
        Assert.Equal("session.created", Type(await stream.ReadAsync()));
        string? previous = null;
        for (int turn = 0; turn < 2; turn++)
        {
            await AppendAsync(stream, StreamOfTest.Sound(24_000, "pcm16"));
            IReadOnlyList<JsonElement> events = await stream.ReadUntilAsync($"{Transcription}completed");
            Assert.Equal(
                ["input_audio_buffer.speech_started", "input_audio_buffer.speech_stopped", "input_audio_buffer.committed", "conversation.item.added", "conversation.item.done", $"{Transcription}completed"],
                events.Select(Type).Where(type => type != $"{Transcription}delta"));
            string item = events[0].GetProperty("item_id").GetString()!;
            JsonElement committed = events.First(message => Type(message) == "input_audio_buffer.committed"), added = events.First(message => Type(message) == "conversation.item.added");
            Assert.Equal((item, previous), (committed.GetProperty("item_id").GetString(), committed.GetProperty("previous_item_id").GetString()));
            Assert.Equal((item, "input_audio"), (added.GetProperty("item").GetProperty("id").GetString(), added.GetProperty("item").GetProperty("content")[0].GetProperty("type").GetString()));
            string transcript = events[^1].GetProperty("transcript").GetString()!;
            Assert.Contains("rock music", transcript, StringComparison.Ordinal);
            Assert.Equal(transcript, string.Concat(events.Where(message => Type(message) == $"{Transcription}delta").Select(message => message.GetProperty("delta").GetString())).Trim());
            Assert.InRange(events[^1].GetProperty("usage").GetProperty("seconds").GetDouble(), 1, 4);

            // The second turn is as much later as the first recording is long.
            Assert.InRange(events[0].GetProperty("audio_start_ms").GetInt32(), turn * 3000, 1000 + (turn * 4500));
            previous = item;
        }
    }

    [Fact]
    public async Task Without_turn_detection_turns_are_what_is_committed()
    {
        using StreamOfTest stream = await OpenAsync("");
        await stream.SendTextAsync("""{"type":"session.update","session":{"type":"transcription","audio":{"input":{"transcription":{"language":"en"},"turn_detection":null}}}}""");
        JsonElement input = (await stream.ReadUntilAsync("session.updated"))[^1].GetProperty("session").GetProperty("audio").GetProperty("input");
        Assert.Equal((JsonValueKind.Null, "en"), (input.GetProperty("turn_detection").ValueKind, input.GetProperty("transcription").GetProperty("language").GetString()));
        for (int turn = 0; turn < 3; turn++)
        {
            await AppendAsync(stream, StreamOfTest.Sound(24_000, "pcm16"));
            await stream.SendTextAsync("""{"type":"input_audio_buffer.commit"}""");
            IReadOnlyList<JsonElement> events = await stream.ReadUntilAsync($"{Transcription}completed");
            Assert.Equal(["input_audio_buffer.committed", "conversation.item.added", "conversation.item.done", $"{Transcription}delta", $"{Transcription}completed"], events.Select(Type));
            Assert.Contains("rock music", events[^1].GetProperty("transcript").GetString(), StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task A_commit_ends_the_turn_that_is_being_spoken()
    {
        using StreamOfTest stream = await OpenAsync("language=en");
        byte[] sound = StreamOfTest.Sound(24_000, "pcm16");
        await AppendAsync(stream, sound[..^(24_000 * 2)]); // without the silence that would end it
        await stream.SendTextAsync("""{"type":"input_audio_buffer.commit"}""");
        Assert.Contains("rock music", (await stream.ReadUntilAsync($"{Transcription}completed"))[^1].GetProperty("transcript").GetString(), StringComparison.Ordinal);
        await AppendAsync(stream, new byte[24_000]);
        await stream.SendTextAsync("""{"type":"input_audio_buffer.commit"}""");
        Assert.Equal("", (await stream.ReadUntilAsync($"{Transcription}completed"))[^1].GetProperty("transcript").GetString());
    }

    [Fact]
    public async Task What_is_cleared_is_not_heard()
    {
        using StreamOfTest stream = await OpenAsync("language=en");
        await stream.SendTextAsync("""{"type":"session.update","session":{"audio":{"input":{"turn_detection":null}}}}""");
        await AppendAsync(stream, StreamOfTest.Sound(24_000, "pcm16"));
        await stream.SendTextAsync("""{"type":"input_audio_buffer.clear"}""");
        await AppendAsync(stream, new byte[24_000]);
        await stream.SendTextAsync("""{"type":"input_audio_buffer.commit"}""");
        IReadOnlyList<JsonElement> events = await stream.ReadUntilAsync($"{Transcription}completed");
        Assert.Single(events, message => Type(message) == "input_audio_buffer.cleared");
        Assert.DoesNotContain("rock", events[^1].GetProperty("transcript").GetString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_update_changes_what_it_names_and_nothing_else()
    {
        using StreamOfTest stream = await OpenAsync("");
        await stream.SendTextAsync("""{"type":"session.update","session":{"type":"transcription","audio":{"input":{"turn_detection":{"type":"server_vad","threshold":0.4,"prefix_padding_ms":300,"silence_duration_ms":700}}}}}""");
        await stream.SendTextAsync("""{"type":"session.update","session":{"type":"transcription","audio":{"input":{"transcription":{"model":"whisper-nano","language":"de","prompt":"Namen"},"turn_detection":{"type":"server_vad","threshold":0.6}}}}}""");
        await stream.ReadUntilAsync("session.updated");
        JsonElement input = (await stream.ReadUntilAsync("session.updated"))[^1].GetProperty("session").GetProperty("audio").GetProperty("input");
        Assert.Equal("""{"model":"whisper-nano","language":"de","prompt":"Namen"}""", input.GetProperty("transcription").GetRawText());
        Assert.Equal("""{"type":"server_vad","threshold":0.6,"prefix_padding_ms":300,"silence_duration_ms":700}""", input.GetProperty("turn_detection").GetRawText());
    }

    [Fact]
    public async Task Clients_that_expect_the_first_form_get_it()
    {
        using StreamOfTest stream = await StreamOfTest.OpenAsync(shared.Server, "intent=transcription", "realtime", ("OpenAI-Beta", "realtime=v1"));
        await stream.SendTextAsync("""{"type":"transcription_session.update","session":{"input_audio_format":"pcm16","input_audio_transcription":{"model":"whisper-1","language":"en"},"turn_detection":null,"input_audio_noise_reduction":{"type":"near_field"}}}""");
        await AppendAsync(stream, StreamOfTest.Sound(24_000, "pcm16"));
        await stream.SendTextAsync("""{"type":"input_audio_buffer.commit"}""");
        IReadOnlyList<JsonElement> events = await stream.ReadUntilAsync($"{Transcription}completed");
        Assert.Equal(
            ["transcription_session.created", "transcription_session.updated", "input_audio_buffer.committed", "conversation.item.created", $"{Transcription}delta", $"{Transcription}completed"],
            events.Select(Type));
        Assert.Equal("pcm16", events[1].GetProperty("session").GetProperty("input_audio_format").GetString());
    }

    [Fact]
    public async Task A_prompt_is_no_longer_than_a_field_of_a_form()
    {
        using StreamOfTest stream = await OpenAsync("");
        await stream.SendTextAsync($$$$"""{"type":"session.update","session":{"input_audio_transcription":{"prompt":"{{{{new string('a', 65_537)}}}}"}}}""");
        JsonElement error = (await stream.ReadUntilAsync("error"))[^1].GetProperty("error");
        Assert.Equal(("invalid_value", "session.input_audio_transcription.prompt"), (error.GetProperty("code").GetString(), error.GetProperty("param").GetString()));
    }

    [Theory]
    [InlineData("garbage", "unknown_message", null)]
    [InlineData("[]", "unknown_message", null)]
    [InlineData("""{"type":"response.create"}""", "unknown_message", null)]
    [InlineData("""{"type":"input_audio_buffer.append","audio":"?"}""", "invalid_value", "audio")]
    [InlineData("""{"type":"input_audio_buffer.append"}""", "invalid_value", "audio")]
    [InlineData("""{"type":"input_audio_buffer.commit"}""", "input_audio_buffer_commit_empty", null)]
    [InlineData("""{"type":"session.update"}""", "invalid_value", "session")]
    [InlineData("""{"type":"session.update","session":{"type":"realtime"}}""", "invalid_value", "session.type")]
    [InlineData("""{"type":"session.update","session":{"type":7}}""", "invalid_value", "session.type")]
    [InlineData("""{"type":"session.update","session":{"input_audio_format":[]}}""", "invalid_value", "session.input_audio_format")]
    [InlineData("""{"type":"session.update","session":{"audio":{"input":{"format":{"type":true}}}}}""", "invalid_value", "session.audio.input.format.type")]
    [InlineData("""{"type":"session.update","session":{"turn_detection":{"type":1}}}""", "invalid_value", "session.turn_detection.type")]
    [InlineData("""{"type":"session.update","session":{"input_audio_format":"g711_ulaw"}}""", "invalid_value", "session.input_audio_format")]
    [InlineData("""{"type":"session.update","session":{"audio":{"input":{"format":{"type":"audio/pcmu"}}}}}""", "invalid_value", "session.audio.input.format.type")]
    [InlineData("""{"type":"session.update","session":{"audio":{"input":{"format":{"type":"audio/pcm","rate":1}}}}}""", "invalid_value", "session.audio.input.format.rate")]
    [InlineData("""{"type":"session.update","session":{"audio":{"input":{"transcription":{"model":"gpt-9"}}}}}""", "model_not_found", "model")]
    [InlineData("""{"type":"session.update","session":{"audio":{"input":{"transcription":{"language":"Klingon"}}}}}""", "invalid_value", "session.audio.input.transcription.language")]
    [InlineData("""{"type":"session.update","session":{"audio":{"input":{"turn_detection":{"type":"semantic_vad"}}}}}""", "invalid_value", "session.audio.input.turn_detection.type")]
    [InlineData("""{"type":"session.update","session":{"turn_detection":{"threshold":2}}}""", "invalid_value", "session.turn_detection.threshold")]
    public async Task What_makes_no_sense_is_answered_and_the_session_goes_on(string message, string code, string? parameter)
    {
        using StreamOfTest stream = await OpenAsync("");
        await stream.SendTextAsync(message.Replace("{\"type\"", "{\"event_id\":\"mine\",\"type\"", StringComparison.Ordinal));
        JsonElement error = (await stream.ReadUntilAsync("error"))[^1].GetProperty("error");
        Assert.Equal((code, parameter, "invalid_request_error"), (error.GetProperty("code").GetString(), error.GetProperty("param").GetString(), error.GetProperty("type").GetString()));
        Assert.Equal(message.StartsWith('{') ? "mine" : null, error.GetProperty("event_id").GetString());
        await stream.SendTextAsync("""{"type":"session.update","session":{}}""");
        Assert.Equal("session.updated", Type(await stream.ReadAsync()));
    }

    [Theory]
    [InlineData("""{"type":"\ud800"}""")]
    [InlineData("""{"type":"session.update","session":{"audio":{"input":{"transcription":{"prompt":"\ud800"}}}}}""")]
    [InlineData("""{"type":"input_audio_buffer.append","audio":"\ud800"}""")]
    [InlineData("""{"type":"input_audio_buffer.clear","event_id":"\ud800"}""")]
    public async Task Half_a_character_is_answered_and_the_session_goes_on(string message)
    {
        using StreamOfTest stream = await OpenAsync("");
        await stream.SendTextAsync(message);
        Assert.Equal("unknown_message", (await stream.ReadUntilAsync("error"))[^1].GetProperty("error").GetProperty("code").GetString());
        await stream.SendTextAsync("""{"type":"session.update","session":{}}""");
        Assert.Equal("session.updated", Type(await stream.ReadAsync()));
    }

    private static string? Type(JsonElement message) => message.GetProperty("type").GetString();

    private Task<StreamOfTest> OpenAsync(string query) => StreamOfTest.OpenAsync(shared.Server, $"intent=transcription&{query}", "realtime");

    private static async Task AppendAsync(StreamOfTest stream, byte[] sound)
    {
        foreach (byte[] piece in sound.Chunk(4801)) // an odd number of bytes: samples are cut in two
        {
            await stream.SendTextAsync($$"""{"type":"input_audio_buffer.append","audio":"{{Convert.ToBase64String(piece)}}"}""");
        }
    }
}
