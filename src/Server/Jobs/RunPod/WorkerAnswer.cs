using System.Text.Json.Serialization;
using Handwritten.Runtime;
using Handwritten.Runtime.Output;
using Handwritten.Server.OpenAi;

namespace Handwritten.Server.Jobs.RunPod;

/// <summary>
/// What RunPod's worker for faster-whisper answers. Source: runpod-workers/worker-faster_whisper, src/predict.py; but subtitles are what players
/// read, vtt with its head.
/// </summary>
/// <param name="Segments">The segments, the first with the id 1.</param>
/// <param name="DetectedLanguage">Code of the language.</param>
/// <param name="Transcription">The text in the format that was asked for.</param>
/// <param name="Translation">The same of the English translation; null where none was asked for.</param>
/// <param name="Device"><c>cuda</c> or <c>cpu</c>.</param>
/// <param name="Model">The model's name.</param>
/// <param name="WordTimestamps">The words, where they were asked for.</param>
public sealed record WorkerAnswer(
    IReadOnlyList<SegmentAnswer> Segments,
    string DetectedLanguage,
    string Transcription,
    string? Translation,
    string Device,
    string Model,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] IReadOnlyList<WorkerWord>? WordTimestamps)
{
    internal static WorkerAnswer Of(JobResult result, WorkerFormat transcription, WorkerFormat translation)
    {
        FinishedTranscription finished = result.Transcription;
        IReadOnlyList<Segment> segments = finished.Transcript.Segments;
        return new WorkerAnswer(
            [.. segments.Select(SegmentAnswer.Of).Select(segment => segment with { Id = segment.Id + 1 })],
            finished.Transcript.Language,
            Write(finished, transcription),
            result.Translation is { } translated ? Write(translated, translation) : null,
            result.Device,
            result.Model,
            finished.Request.Options.WordTimestamps ? [.. segments.SelectMany(segment => segment.Words ?? []).Select(word => new WorkerWord(word.Text, word.Start, word.End))] : null);
    }

    private static string Write(FinishedTranscription finished, WorkerFormat format) => format switch
    {
        WorkerFormat.Srt => TranscriptionResponses.Write(SubtitleWriter.SubRip, finished),
        WorkerFormat.Vtt => TranscriptionResponses.Write(SubtitleWriter.WebVtt, finished),
        _ => string.Join(format == WorkerFormat.FormattedText ? '\n' : ' ', finished.Transcript.Segments.Select(segment => segment.Text.TrimStart())),
    };
}

/// <summary>A word of <see cref="WorkerAnswer"/>.</summary>
/// <param name="Word">The word with the blank before it.</param>
/// <param name="Start">Its beginning, in seconds.</param>
/// <param name="End">Its end.</param>
public sealed record WorkerWord(string Word, double Start, double End);
