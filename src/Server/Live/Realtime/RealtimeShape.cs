using Handwritten.Runtime.Serving;

namespace Handwritten.Server.Live.Realtime;

/// <summary>
/// What messages are called and how a session looks: OpenAI's API has had two forms, and its clients say by a header, or
/// browsers by a protocol, that they expect the first.
/// </summary>
internal abstract class RealtimeShape
{
    private const string BetaHeader = "realtime=v1", BetaProtocol = "openai-beta.realtime-v1";

    /// <summary>The form that a client expects.</summary>
    public static RealtimeShape Of(HttpRequest request) =>
        request.Headers["OpenAI-Beta"].Contains(BetaHeader) || request.HttpContext.WebSockets.WebSocketRequestedProtocols.Contains(BetaProtocol) ? new Beta() : new Released();

    /// <summary>The type of the first message.</summary>
    public abstract string Created { get; }

    /// <summary>The type of the message about new settings.</summary>
    public abstract string Updated { get; }

    /// <summary>The types of the messages about a new item.</summary>
    public abstract IReadOnlyList<string> ItemCreated { get; }

    /// <summary>A session.</summary>
    /// <param name="id">Its id.</param>
    /// <param name="model">The model's name.</param>
    /// <param name="settings">Its settings.</param>
    public abstract object Session(string id, string model, StreamSettings settings);

    private static object? TurnDetection(LiveOptions options) => options.SpeechThreshold == 0 ? null : new
    {
        Type = "server_vad",
        Threshold = options.SpeechThreshold,
        PrefixPaddingMs = RealtimeDialect.Milliseconds(options.Padding),
        SilenceDurationMs = RealtimeDialect.Milliseconds(options.EndpointSilence),
    };

    private static object Transcription(string model, LiveOptions options) =>
        new { Model = model, options.Transcription.Decoding.Language, Prompt = options.Transcription.InitialPrompt?.Text ?? "" };

    /// <summary>As it has been since August 2025.</summary>
    private sealed class Released : RealtimeShape
    {
        public override string Created => "session.created";

        public override string Updated => "session.updated";

        public override IReadOnlyList<string> ItemCreated => ["conversation.item.added", "conversation.item.done"];

        public override object Session(string id, string model, StreamSettings settings) => new
        {
            Id = id,
            Object = "realtime.transcription_session",
            Type = "transcription",
            Audio = new
            {
                Input = new
                {
                    Format = new { Type = "audio/pcm", Rate = settings.SampleRate },
                    Transcription = Transcription(model, settings.Options),
                    NoiseReduction = (object?)null,
                    TurnDetection = TurnDetection(settings.Options),
                },
            },
        };
    }

    /// <summary>As it was before.</summary>
    private sealed class Beta : RealtimeShape
    {
        public override string Created => "transcription_session.created";

        public override string Updated => "transcription_session.updated";

        public override IReadOnlyList<string> ItemCreated => ["conversation.item.created"];

        public override object Session(string id, string model, StreamSettings settings) => new
        {
            Id = id,
            Object = "realtime.transcription_session",
            InputAudioFormat = "pcm16",
            InputAudioTranscription = Transcription(model, settings.Options),
            InputAudioNoiseReduction = (object?)null,
            TurnDetection = TurnDetection(settings.Options),
        };
    }
}
