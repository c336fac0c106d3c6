using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using Handwritten.Model;
using Handwritten.Model.Tokenization;
using Handwritten.Runtime.Audio;
using Handwritten.Runtime.Decoding;
using Microsoft.Extensions.AI;
using TranscriptionOptions = Handwritten.Runtime.Transcription.TranscriptionOptions; // Microsoft.Extensions.AI has one, too

namespace Handwritten.Runtime.Hosting;

/// <summary>
/// The speech-to-text client of Microsoft.Extensions.AI, for programs that must not care whose speech recognition it is.
/// Of the options count the languages (a translation goes to English only);
/// <see cref="SpeechToTextOptions.AdditionalProperties"/> with the names of the command's options (<c>beam_size</c>,
/// <c>word_timestamps</c>, <c>vad_filter</c>, <c>batch_size</c>, ...); and
/// <see cref="SpeechToTextOptions.RawRepresentationFactory"/>, which may give <see cref="TranscriptionOptions"/>. A recording
/// brings its own sample rate. The interface is experimental, and with it this class.
/// </summary>
/// <param name="transcriber">Does the work; not disposed with the client.</param>
[Experimental("MEAI001")]
public sealed class WhisperSpeechToTextClient(WhisperTranscriber transcriber) : ISpeechToTextClient
{
    private readonly SpeechToTextClientMetadata _metadata = new("handwritten", defaultModelId: transcriber.Model.Name);

    /// <summary>Transcribes, or translates to English, a whole recording.</summary>
    /// <param name="audioSpeechStream">Its file from the first byte on; not closed.</param>
    /// <param name="options">Languages and more; null has the language detected.</param>
    /// <param name="cancellationToken">Ends it.</param>
    /// <returns>The text; the <see cref="Transcript"/> is its raw representation.</returns>
    /// <exception cref="AudioException">The recording cannot be read.</exception>
    /// <exception cref="OptionsException">The options make no sense, or ask for a translation to another language than English.</exception>
    /// <exception cref="TokenizationException">The model does not know the language.</exception>
    public async Task<SpeechToTextResponse> GetTextAsync(Stream audioSpeechStream, SpeechToTextOptions? options = null, CancellationToken cancellationToken = default)
    {
        Transcript transcript = await transcriber.TranscribeAsync(audioSpeechStream, ToTranscriptionOptions(options), null, cancellationToken)
            .ToTranscriptAsync().ConfigureAwait(false);
        return new SpeechToTextResponse(transcript.Text.Trim())
        {
            ResponseId = NewId(),
            ModelId = transcriber.Model.Name,
            StartTime = transcript.Segments is [var first, ..] ? TimeSpan.FromSeconds(first.Start) : null,
            EndTime = transcript.Segments is [.., var last] ? TimeSpan.FromSeconds(last.End) : null,
            RawRepresentation = transcript,
        };
    }

    /// <summary>Transcribes, or translates to English, telling each segment as it is recognised.</summary>
    /// <param name="audioSpeechStream">Its file from the first byte on; not closed.</param>
    /// <param name="options">Languages and more; null has the language detected.</param>
    /// <param name="cancellationToken">Ends it.</param>
    /// <returns>A beginning, an update with the text and times of each <see cref="Segment"/>, and an end.</returns>
    /// <exception cref="AudioException">The recording cannot be read.</exception>
    /// <exception cref="OptionsException">The options make no sense, or ask for a translation to another language than English.</exception>
    /// <exception cref="TokenizationException">The model does not know the language.</exception>
    public async IAsyncEnumerable<SpeechToTextResponseUpdate> GetStreamingTextAsync(
        Stream audioSpeechStream, SpeechToTextOptions? options = null, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        string id = NewId();
        bool spoken = false;
        yield return Update(SpeechToTextResponseUpdateKind.SessionOpen, null);
        await foreach (Segment segment in transcriber.TranscribeAsync(audioSpeechStream, ToTranscriptionOptions(options), null, cancellationToken).ConfigureAwait(false))
        {
            if (segment.Text.Length > 0)
            {
                // Texts bring the space before them, so that they can be put in a row.
                SpeechToTextResponseUpdate update = Update(SpeechToTextResponseUpdateKind.TextUpdated, spoken ? segment.Text : segment.Text.TrimStart());
                spoken = true;
                update.StartTime = TimeSpan.FromSeconds(segment.Start);
                update.EndTime = TimeSpan.FromSeconds(segment.End);
                update.RawRepresentation = segment;
                yield return update;
            }
        }

        yield return Update(SpeechToTextResponseUpdateKind.SessionClose, null);

        SpeechToTextResponseUpdate Update(SpeechToTextResponseUpdateKind kind, string? text) =>
            new(text is null ? [] : [new TextContent(text)]) { Kind = kind, ResponseId = id, ModelId = transcriber.Model.Name };
    }

    /// <summary>Gives what stands behind the client: metadata, <see cref="WhisperTranscriber"/>, <see cref="WhisperModel"/>.</summary>
    public object? GetService(Type serviceType, object? serviceKey = null)
    {
        ArgumentNullException.ThrowIfNull(serviceType);
        return serviceKey is null ? Array.Find(new object[] { this, _metadata, transcriber, transcriber.Model }, serviceType.IsInstanceOfType) : null;
    }

    /// <summary>Nothing: the transcriber belongs to whoever made it.</summary>
    public void Dispose()
    {
    }

    private static string NewId() => Guid.NewGuid().ToString("N");

    private TranscriptionOptions ToTranscriptionOptions(SpeechToTextOptions? options)
    {
        TranscriptionOptions initial = options?.RawRepresentationFactory?.Invoke(this) as TranscriptionOptions ?? transcriber.DefaultOptions;
        initial = AdditionalSettings.Apply(initial, options?.AdditionalProperties);
        string? spoken = Code(options?.SpeechLanguage), written = Code(options?.TextLanguage);
        if (written is not (null or "en") && written != spoken)
        {
            throw new OptionsException($"Whisper translates to English, but not to '{options!.TextLanguage}': give no other TextLanguage, or that of the speech.");
        }

        bool translate = written is "en" && spoken is not "en" && transcriber.Model.Tokenizer.Special.IsMultilingual;
        return initial with
        {
            Decoding = initial.Decoding with
            {
                Language = spoken ?? initial.Decoding.Language,
                Task = translate ? SpeechTask.Translate : initial.Decoding.Task,
            },
        };

        // "en-US" is a culture; Whisper knows languages.
        static string? Code(string? language) => language is null ? null : Languages.ToCode(language.Split('-', '_')[0]);
    }
}
