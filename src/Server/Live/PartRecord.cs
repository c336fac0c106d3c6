using System.Diagnostics;
using Handwritten.Runtime.Serving;
using Handwritten.Server.Operation;

namespace Handwritten.Server.Live;

/// <summary>What metrics, traces and the log learn of a part of a live stream. It grows with nothing, however long the part is.</summary>
/// <param name="telemetry">The metrics and traces.</param>
/// <param name="log">The log.</param>
/// <param name="options">Whose stream it is, and how it is followed.</param>
/// <param name="model">The model's name.</param>
internal sealed class PartRecord(Telemetry telemetry, RequestLog log, LiveOptions options, string model)
{
    private readonly Activity? _activity = telemetry.StartPart(model);
    private string? _language = options.Transcription.Decoding.Language;
    private int _sentences;

    /// <summary>Takes down what the client is told.</summary>
    public void Note(LiveEvent heard)
    {
        switch (heard)
        {
            case LiveLanguage { Language: { } language }:
                _language = language;
                break;
            case LiveFinal final:
                _sentences++;
                log.Said(options.Client, final.Text.Trim());
                break;
            default:
                break;
        }
    }

    /// <summary>The part has failed.</summary>
    public void Fail(Exception failure) => _activity?.SetStatus(ActivityStatusCode.Error, failure.GetType().Name);

    /// <summary>The part has ended.</summary>
    /// <param name="seconds">How long it was.</param>
    public void End(double seconds)
    {
        telemetry.CountPart(model, seconds, _language, _sentences, _activity);
        log.Heard(options.Client, model, seconds, _language, _sentences);
        _activity?.Dispose();
    }
}
