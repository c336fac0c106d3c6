using Handwritten.Model.Tokenization;
using Handwritten.Runtime;
using Handwritten.Server.Requests;

namespace Handwritten.Server.OpenAi;

/// <summary>A recording that has been transcribed, with all that an answer may be made of.</summary>
/// <param name="Request">What was asked for.</param>
/// <param name="Transcript">What was said.</param>
/// <param name="Seconds">Length of the recording.</param>
/// <param name="Tokenizer">The model's; null for a transcript that the client has sent, whose tokens are not known.</param>
internal sealed record FinishedTranscription(TranscriptionRequest Request, Transcript Transcript, double Seconds, WhisperTokenizer? Tokenizer = null)
{
    /// <summary>Encoded vectors of a second of audio, which are what an audio token is here.</summary>
    private const double AudioTokensPerSecond = 50;

    /// <summary>OpenAI bills these models by the token, whisper-1 by the second.</summary>
    private const string ModelsOfTokens = "gpt-4o";

    /// <summary>All of the text, without the space that it begins with.</summary>
    public string Text => Transcript.Text.Trim();

    /// <summary>How sure the model was of each token, if that was asked for and is known.</summary>
    public IEnumerable<LogprobAnswer>? Logprobs =>
        Request.Logprobs && Tokenizer is not null ? Transcript.Segments.SelectMany(segment => LogprobAnswer.Of(segment, Tokenizer)) : null;

    /// <summary>
    /// What the recording counts as: tokens where OpenAI's answers have nothing else, which is in streams, and for who asked for a model
    /// that it bills by them; otherwise seconds.
    /// </summary>
    public TranscriptionUsage Usage
    {
        get
        {
            bool byTokens = Request.Stream || Request.Model?.StartsWith(ModelsOfTokens, StringComparison.Ordinal) == true;
            if (Tokenizer is null || !byTokens || Request.Format == ResponseFormat.VerboseJson)
            {
                return TranscriptionUsage.OfSeconds(Seconds);
            }

            string prompt = Request.Options.InitialPrompt?.Text ?? "";
            return TranscriptionUsage.OfTokens(
                audio: (int)Math.Ceiling(Seconds * AudioTokensPerSecond),
                text: Tokenizer.EncodeOrdinary(prompt).Length,
                output: Transcript.Segments.Sum(segment => segment.Tokens.Count));
        }
    }
}
