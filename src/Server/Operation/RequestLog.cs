using Handwritten.Runtime;
using Handwritten.Server.Recognition;

namespace Handwritten.Server.Operation;

/// <summary>One line for each transcription, and for each part of a live stream. What was said is in it only where the server was told so.</summary>
internal sealed partial class RequestLog(ServerOptions options, ILogger<RequestLog> logger)
{
    public void Transcribed(string client, RunningTranscription running, Transcript transcript)
    {
        LogTranscribed(client, running.Model, running.Duration, transcript.Language, running.QueueTime.TotalSeconds, running.Elapsed.TotalSeconds);
        Said(client, transcript.Text);
    }

    /// <summary>A part of a live stream has ended.</summary>
    public void Heard(string client, string model, double seconds, string? language, int sentences) =>
        LogHeard(client, seconds, language ?? "unknown", model, sentences);

    /// <summary>Something was said, which is nobody's business but where the server was told otherwise.</summary>
    public void Said(string client, string text)
    {
        if (options.LogTranscripts)
        {
            LogText(client, text);
        }
    }

    [LoggerMessage(LogLevel.Information, "{Client}: {AudioSeconds:F1} s of audio ({Language}) by {Model}, {QueueSeconds:F2} s in the queue, done after {Seconds:F2} s.")]
    private partial void LogTranscribed(string client, string model, double audioSeconds, string language, double queueSeconds, double seconds);

    [LoggerMessage(LogLevel.Information, "{Client}: {AudioSeconds:F1} s of live sound ({Language}) by {Model}, sentences: {Sentences}.")]
    private partial void LogHeard(string client, double audioSeconds, string language, string model, int sentences);

    [LoggerMessage(LogLevel.Information, "{Client}: {Text}")]
    private partial void LogText(string client, string text);
}
