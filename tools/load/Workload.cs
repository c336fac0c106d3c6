using System.Net.Http.Headers;
using System.Text.Json;
using Handwritten.Runtime.Transcription;

namespace Handwritten.Load;

/// <summary>How recordings are to be transcribed: as the server's clients say it, and as the library has it.</summary>
/// <param name="Name">In words.</param>
/// <param name="Fields">Fields of the form, but for the language.</param>
/// <param name="Options">The same, but for the language.</param>
internal sealed record Way(string Name, IReadOnlyList<(string Name, string Value)> Fields, TranscriptionOptions Options)
{
    /// <summary>The most probable token each time.</summary>
    public static Way Greedy { get; } = new("greedy", [], new());

    /// <summary>Beam search.</summary>
    public static Way Beams { get; } = new("5 beams", [("beam_size", "5")], new() { Decoding = new() { BeamSize = 5 } });

    /// <summary>The ways that a request can go through the engine: recorded steps, several samples, beams, steps chosen on the host, words.</summary>
    public static IReadOnlyList<Way> All { get; } =
    [
        Greedy,
        Beams,
        new("drawn", [("temperature", "0.6"), ("best_of", "3"), ("seed", "7")], new() { Temperatures = [0.6], Decoding = new() { BestOf = 3, Seed = 7 } }),
        new("repetition rules", [("repetition_penalty", "1.3"), ("no_repeat_ngram_size", "4")], new() { Decoding = new() { RepetitionPenalty = 1.3, NoRepeatNgramSize = 4 } }),
        new("words", [("word_timestamps", "true")], new() { WordTimestamps = true }),
    ];

    /// <summary>The options for a language; null to detect it.</summary>
    public TranscriptionOptions For(string? language) => Options with { Decoding = Options.Decoding with { Language = language } };
}

/// <summary>A request: what a client sends.</summary>
/// <param name="Recording">The recording.</param>
/// <param name="Way">How.</param>
/// <param name="NamesLanguage">Whether the client says what is spoken.</param>
internal sealed record Request(Recording Recording, Way Way, bool NamesLanguage = true)
{
    /// <summary>The language that the client names.</summary>
    public string? Language => NamesLanguage ? Recording.Language : null;

    /// <summary>Sends it and returns the text of the answer.</summary>
    /// <exception cref="HttpRequestException">The server refused it.</exception>
    public async Task<string> SendAsync(HttpClient client, CancellationToken cancellation)
    {
        using MultipartFormDataContent form = Form(Recording.Bytes);
        using HttpResponseMessage response = await client.PostAsync("/v1/audio/transcriptions", form, cancellation);
        string answer = await response.Content.ReadAsStringAsync(cancellation);
        return response.IsSuccessStatusCode
            ? JsonDocument.Parse(answer).RootElement.GetProperty("text").GetString()!
            : throw new HttpRequestException($"The server answered {(int)response.StatusCode}: {answer}", null, response.StatusCode);
    }

    /// <summary>Its form, with any bytes as the recording and further fields.</summary>
    public MultipartFormDataContent Form(byte[] recording, params (string Name, string Value)[] more)
    {
        ByteArrayContent file = new(recording);
        file.Headers.ContentType = new MediaTypeHeaderValue("audio/wav");
        MultipartFormDataContent form = new() { { file, "file", Recording.Name } };
        foreach ((string name, string value) in Way.Fields.Concat(more).Concat(NamesLanguage ? [("language", Recording.Language)] : []))
        {
            form.Add(new StringContent(value), name);
        }

        return form;
    }
}
