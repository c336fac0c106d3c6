using System.Text.Json;
using Handwritten.Model.Tokenization;
using Handwritten.Runtime;
using Handwritten.Runtime.Output;
using Handwritten.Server.Errors;
using Handwritten.Server.OpenAi;
using Handwritten.Server.Requests;

namespace Handwritten.Server.Transcripts;

/// <summary>What can be done with a transcript that is there already, whether it was streamed, spoken live or kept.</summary>
internal static class TranscriptEndpoints
{
    private const string Tag = "Transcripts";
    private const int MostSeconds = 1_000_000;

    public static void Map(IEndpointRouteBuilder clients)
    {
        clients.MapPost("/v1/transcripts/format", FormatAsync)
            .WithTags(Tag)
            .WithSummary("Write a transcript in another format: json, text, srt, vtt or verbose_json, as /v1/audio/transcriptions would. max_line_width and its like may stand beside response_format.")
            .Accepts<TranscriptBody>("application/json")
            .Produces<VerboseTranscriptionAnswer>()
            .ProducesErrors();
        clients.MapGet("/v1/languages", () => Results.Json(new LanguageList("list", [.. Languages.Names.Select(language => new LanguageAnswer(language.Key, language.Value))]), Json.Options))
            .WithTags(Tag)
            .WithSummary("The languages that Whisper knows, those with most training data first.")
            .Produces<LanguageList>();
    }

    private static async Task<IResult> FormatAsync(HttpRequest http, JsonBodies bodies, CancellationToken cancellation)
    {
        using JsonBody json = await bodies.ReadAsync(http, cancellation);
        return Format(json.Root);
    }

    private static IResult Format(JsonElement body)
    {
        TranscriptionRequest request = TranscriptionRequest.Parse(new RequestFields(JsonFields.Flatten(body, "transcript")), task: null);
        if (!body.TryGetProperty("transcript", out JsonElement json))
        {
            throw ApiException.BadField("transcript", "There is no transcript: send one with its segments, as verbose_json has it.");
        }

        Transcript transcript = Read(json);
        double seconds = json.TryGetProperty("duration", out JsonElement duration) && duration.ValueKind == JsonValueKind.Number
            ? duration.GetDouble()
            : transcript.Segments.Select(segment => segment.End).DefaultIfEmpty().Max();
        return TranscriptionResponses.Of(new FinishedTranscription(request, transcript, seconds));
    }

    private static bool IsTime(double seconds) => seconds is >= 0 and <= MostSeconds;

    private static Transcript Read(JsonElement json)
    {
        try
        {
            Transcript transcript = TranscriptReader.ParseJson(json.GetRawText());
            if (transcript.Segments.Any(segment => !IsTime(segment.Start) || !IsTime(segment.End) || segment.Words?.Any(word => !IsTime(word.Start) || !IsTime(word.End)) == true))
            {
                throw new FormatException($"times must be from 0 to {MostSeconds} seconds");
            }

            return transcript with { Language = Languages.FindCode(transcript.Language) ?? transcript.Language };
        }
        catch (FormatException failure)
        {
            throw ApiException.BadField("transcript", $"The transcript makes no sense: {failure.Message}.");
        }
    }
}

/// <summary>A transcript to write in another format; the layout of subtitles may stand beside these.</summary>
/// <param name="Transcript">The transcript.</param>
/// <param name="ResponseFormat"><c>json</c>, <c>text</c>, <c>srt</c>, <c>vtt</c> or <c>verbose_json</c>.</param>
internal sealed record TranscriptBody(TranscriptToFormat Transcript, string? ResponseFormat);

/// <summary>A transcript as verbose_json has it; of a segment only start, end and text must be there, and words may be.</summary>
/// <param name="Language">The language that was spoken, by code or English name.</param>
/// <param name="Duration">Seconds of audio; the end of the last segment if left out.</param>
/// <param name="Text">All of the text; that of the segments if left out.</param>
/// <param name="Segments">The segments.</param>
internal sealed record TranscriptToFormat(string? Language, double? Duration, string? Text, IReadOnlyList<SegmentAnswer> Segments);

/// <summary>A list of languages.</summary>
/// <param name="Object">Always <c>list</c>.</param>
/// <param name="Data">The languages.</param>
public sealed record LanguageList(string Object, IReadOnlyList<LanguageAnswer> Data);

/// <summary>A language.</summary>
/// <param name="Code">Its code, such as <c>en</c>.</param>
/// <param name="Name">Its English name, in small letters.</param>
public sealed record LanguageAnswer(string Code, string Name);
