using Handwritten.Runtime;
using Handwritten.Server.Recognition;

namespace Handwritten.Server.Operation;

/// <summary>One line for each transcription. What was said is in it only where the server was told so.</summary>
internal sealed partial class RequestLog(ServerOptions options, ILogger<RequestLog> logger)
{
    public void Transcribed(string client, RunningTranscription running, Transcript transcript)
    {
        LogTranscribed(client, running.Model, running.Duration, transcript.Language, running.QueueTime.TotalSeconds, running.Elapsed.TotalSeconds);
        if (options.LogTranscripts)
        {
            LogText(client, transcript.Text);
        }
    }

    [LoggerMessage(LogLevel.Information, "{Client}: {AudioSeconds:F1} s of audio ({Language}) by {Model}, {QueueSeconds:F2} s in the queue, done after {Seconds:F2} s.")]
    private partial void LogTranscribed(string client, string model, double audioSeconds, string language, double queueSeconds, double seconds);

    [LoggerMessage(LogLevel.Information, "{Client}: {Text}")]
    private partial void LogText(string client, string text);
}
