using System.Text.Json.Serialization;
using Handwritten.Model.Tokenization;
using Handwritten.Runtime;
using Handwritten.Runtime.Output;
using Handwritten.Server.Requests;

namespace Handwritten.Server.OpenAi;

/// <summary>The answer in the format <c>json</c>.</summary>
/// <param name="Text">All of the text.</param>
/// <param name="Logprobs">How sure the model was of each token, where that was asked for.</param>
/// <param name="Usage">What it counts as.</param>
public sealed record TranscriptionAnswer(
    string Text,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] IEnumerable<LogprobAnswer>? Logprobs,
    TranscriptionUsage Usage);

/// <summary>The answer in the format <c>verbose_json</c>.</summary>
/// <param name="Task"><c>transcribe</c> or <c>translate</c>.</param>
/// <param name="Language">English name of the text's language: of the one that was spoken, or English for a translation.</param>
/// <param name="Duration">Seconds of audio.</param>
/// <param name="Text">All of the text.</param>
/// <param name="Words">The words, where they were asked for.</param>
/// <param name="Segments">The segments, unless only words were asked for.</param>
/// <param name="Logprobs">How sure the model was of each token, where that was asked for.</param>
/// <param name="Usage">Seconds of audio.</param>
public sealed record VerboseTranscriptionAnswer(
    string Task,
    string Language,
    double Duration,
    string Text,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] IEnumerable<WordAnswer>? Words,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] IEnumerable<SegmentAnswer>? Segments,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] IEnumerable<LogprobAnswer>? Logprobs,
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

    /// <summary>The answer as OpenAI's API has it, in the format that was asked for.</summary>
    public static IResult Of(FinishedTranscription finished) => finished.Request.Format switch
    {
        ResponseFormat.Text => Results.Text($"{finished.Text}\n", PlainText),
        ResponseFormat.Srt => Results.Text(Write(SubtitleWriter.SubRip, finished), PlainText),
        ResponseFormat.Vtt => Results.Text(Write(SubtitleWriter.WebVtt, finished), PlainText),
        ResponseFormat.VerboseJson => Results.Json(Verbose(finished), Json.Options),
        _ => Results.Json(new TranscriptionAnswer(finished.Text, finished.Logprobs, finished.Usage), Json.Options),
    };

    /// <summary>Everything that is known of a transcription.</summary>
    public static VerboseTranscriptionAnswer Verbose(FinishedTranscription finished)
    {
        (TranscriptionRequest request, Transcript transcript) = (finished.Request, finished.Transcript);
        bool translates = request.Options.Decoding.Task == SpeechTask.Translate;
        return new VerboseTranscriptionAnswer(
            translates ? "translate" : "transcribe",
            LanguageName(translates ? "en" : transcript.Language),
            finished.Seconds,
            finished.Text,
            request.Options.WordTimestamps ? transcript.Segments.SelectMany(segment => segment.Words ?? []).Select(WordAnswer.Of) : null,
            request.Granularities.Segments ? transcript.Segments.Select(SegmentAnswer.Of) : null,
            finished.Logprobs,
            TranscriptionUsage.OfSeconds(finished.Seconds)); // of jobs as well, which show all they know in any format
    }

    /// <summary>English name of a language.</summary>
    public static string LanguageName(string code) => Languages.Names.GetValueOrDefault(code, code);

    /// <summary>The transcript as a format of files has it, laid out as was asked for.</summary>
    public static string Write(ITranscriptWriter writer, FinishedTranscription finished)
    {
        StringWriter text = new();
        writer.Write(finished.Transcript, text, finished.Request.Layout);
        return text.ToString();
    }
}
