using System.Text.Json.Serialization;
using Handwritten.Model.Tokenization;
using Handwritten.Runtime;
using Handwritten.Runtime.Output;
using Handwritten.Server.Requests;

namespace Handwritten.Server.OpenAi;

/// <summary>What a transcription counts as; OpenAI bills Whisper by the second.</summary>
/// <param name="Type">Always <c>duration</c>.</param>
/// <param name="Seconds">Seconds of audio.</param>
public sealed record TranscriptionUsage(string Type, double Seconds);

/// <summary>The answer in the format <c>json</c>.</summary>
/// <param name="Text">All of the text.</param>
/// <param name="Usage">Seconds of audio.</param>
public sealed record TranscriptionAnswer(string Text, TranscriptionUsage Usage);

/// <summary>The answer in the format <c>verbose_json</c>.</summary>
/// <param name="Task"><c>transcribe</c> or <c>translate</c>.</param>
/// <param name="Language">English name of the language that was spoken.</param>
/// <param name="Duration">Seconds of audio.</param>
/// <param name="Text">All of the text.</param>
/// <param name="Words">The words, where they were asked for.</param>
/// <param name="Segments">The segments, unless only words were asked for.</param>
/// <param name="Usage">Seconds of audio.</param>
public sealed record VerboseTranscriptionAnswer(
    string Task,
    string Language,
    double Duration,
    string Text,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] IEnumerable<WordAnswer>? Words,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] IEnumerable<SegmentAnswer>? Segments,
    TranscriptionUsage Usage);

/// <summary>A word with its place in the recording, in seconds.</summary>
/// <param name="Word">The word and its punctuation.</param>
/// <param name="Start">Its beginning.</param>
/// <param name="End">Its end.</param>
/// <param name="Probability">Mean probability of its tokens, in [0, 1].</param>
public sealed record WordAnswer(string Word, double Start, double End, double Probability)
{
    internal static WordAnswer Of(Word word) => new(word.Text.Trim(), word.Start, word.End, word.Probability);
}

/// <summary>A segment with its place in the recording, in seconds; the numbers are openai/whisper's.</summary>
/// <param name="Id">Its number, from 0.</param>
/// <param name="Seek">First frame of its window, in 0.01 s.</param>
/// <param name="Start">Its beginning.</param>
/// <param name="End">Its end.</param>
/// <param name="Text">Its text.</param>
/// <param name="Tokens">Its tokens.</param>
/// <param name="Temperature">Temperature of the sampling.</param>
/// <param name="AvgLogprob">Mean log-probability of the window's tokens.</param>
/// <param name="CompressionRatio">How well the window's text compresses.</param>
/// <param name="NoSpeechProb">Probability that the window holds no speech.</param>
/// <param name="Words">Its words with the blanks before them; only where segments are streamed.</param>
public sealed record SegmentAnswer(
    int Id, int Seek, double Start, double End, string Text, IReadOnlyList<int> Tokens, double Temperature, double AvgLogprob, double CompressionRatio, double NoSpeechProb,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] IEnumerable<WordAnswer>? Words = null)
{
    internal static SegmentAnswer Of(Segment segment) => new(
        segment.Id, segment.Seek, segment.Start, segment.End, segment.Text, segment.Tokens,
        segment.Temperature, segment.AverageLogProbability, segment.CompressionRatio, segment.NoSpeechProbability);

    internal static SegmentAnswer WithWords(Segment segment) =>
        Of(segment) with { Words = segment.Words?.Select(word => new WordAnswer(word.Text, word.Start, word.End, word.Probability)) };
}

/// <summary>Makes answers of transcripts.</summary>
internal static class TranscriptionResponses
{
    /// <summary>Also of subtitles, as OpenAI has it: its .NET client takes every other type for JSON.</summary>
    private const string PlainText = "text/plain; charset=utf-8";

    /// <summary>The answer as OpenAI's API has it.</summary>
    /// <param name="request">Says in which format.</param>
    /// <param name="transcript">What was said.</param>
    /// <param name="seconds">Length of the recording.</param>
    public static IResult Of(TranscriptionRequest request, Transcript transcript, double seconds) => request.Format switch
    {
        ResponseFormat.Text => Results.Text($"{Text(transcript)}\n", PlainText),
        ResponseFormat.Srt => Results.Text(Write(SubtitleWriter.SubRip, request, transcript), PlainText),
        ResponseFormat.Vtt => Results.Text(Write(SubtitleWriter.WebVtt, request, transcript), PlainText),
        ResponseFormat.VerboseJson => Results.Json(Verbose(request, transcript, seconds), Json.Options),
        _ => Results.Json(new TranscriptionAnswer(Text(transcript), Usage(seconds)), Json.Options),
    };

    /// <summary>Everything that is known of a transcript.</summary>
    public static VerboseTranscriptionAnswer Verbose(TranscriptionRequest request, Transcript transcript, double seconds) => new(
        request.Options.Decoding.Task == SpeechTask.Translate ? "translate" : "transcribe",
        LanguageName(transcript.Language),
        seconds,
        Text(transcript),
        request.Options.WordTimestamps ? transcript.Segments.SelectMany(segment => segment.Words ?? []).Select(WordAnswer.Of) : null,
        request.Granularities.Segments ? transcript.Segments.Select(SegmentAnswer.Of) : null,
        Usage(seconds));

    /// <summary>A transcript in a file format.</summary>
    public static string Write(ITranscriptWriter writer, TranscriptionRequest request, Transcript transcript)
    {
        StringWriter text = new();
        writer.Write(transcript, text, request.Layout);
        return text.ToString();
    }

    /// <summary>All of the text, without the space that it begins with.</summary>
    public static string Text(Transcript transcript) => transcript.Text.Trim();

    /// <summary>English name of a language.</summary>
    public static string LanguageName(string code) => Languages.Names.GetValueOrDefault(code, code);

    /// <summary>What the recording counts as.</summary>
    public static TranscriptionUsage Usage(double seconds) => new("duration", seconds);
}
