using Handwritten.Kernels;
using Handwritten.Model;
using Handwritten.Model.Tokenization;

namespace Handwritten.Runtime.Transcription.Words;

/// <summary>
/// Finds the words of a window that the decoder listens to: its text goes through the decoder once more, all tokens at
/// once, and the alignment heads' cross-attention tells where each was heard. As many rows go at a time as the state has
/// room for logits. Source: openai/whisper, timing.py, find_alignment.
/// </summary>
/// <param name="model">The model.</param>
/// <param name="state">Its decoder state, listening to the window.</param>
internal sealed class WordAligner(WhisperModel model, DecoderState state)
{
    /// <summary>Rows of a pass that make good use of the machine: more would only take more memory for their logits.</summary>
    public const int RowsAtOnce = 32;

    private readonly float[] _logits = new float[state.Outputs * model.Dimensions.Vocabulary];

    /// <summary>Finds the words.</summary>
    /// <param name="textTokens">Tokens of the text.</param>
    /// <param name="language">The language they are in; null for English-only models.</param>
    /// <param name="task">What they were decoded for.</param>
    /// <param name="frames">Log-mel frames of the window that hold audio.</param>
    /// <param name="window">The window listened to.</param>
    /// <param name="lane">The KV-cache lane to use.</param>
    public IReadOnlyList<WordTiming> Align(IReadOnlyList<int> textTokens, string? language, SpeechTask task, int frames, int window = 0, int lane = 0)
    {
        SpecialTokens special = model.Tokenizer.Special;
        int[] start = special.StartSequence(language, task);
        int[] text = [.. textTokens.Take(model.Dimensions.TextContext - start.Length - 2)];
        if (text.Length == 0)
        {
            return [];
        }

        int[] tokens = [.. start, special.NoTimestamps, .. text, special.EndOfText];
        CrossAttentionCapture capture = new(model.Generation.AlignmentHeads, tokens.Length, model.Dimensions.AudioContext);
        double[] probabilities = new double[text.Length];
        for (int first = 0; first < tokens.Length; first += state.Outputs)
        {
            int count = Math.Min(state.Outputs, tokens.Length - first);
            Run(tokens.AsSpan(first, count), first, capture, window, lane);
            for (int row = 0; row < count; row++)
            {
                // The row of a token gives the probability of the next one.
                int next = first + row - start.Length;
                if (next >= 0 && next < text.Length)
                {
                    ReadOnlySpan<float> logits = _logits.AsSpan(row * model.Dimensions.Vocabulary, special.EndOfText);
                    probabilities[next] = Math.Exp(logits[text[next]] - VocabularySoftmax.LogSumExp(logits));
                }
            }
        }

        int heard = Math.Clamp(frames / WhisperAudio.FramesPerTimestamp, 1, model.Dimensions.AudioContext);
        float[] matrix = AttentionMatrix.Compute(capture.Weights, tokens.Length, model.Dimensions.AudioContext, heard);
        string? words = special.ResolveLanguage(language);
        return TokenAlignment.Find(
            model.Tokenizer.SplitToWords([.. text, special.EndOfText], words),
            probabilities,
            matrix.AsSpan((start.Length * heard)..^heard),
            heard);
    }

    private void Run(ReadOnlySpan<int> tokens, int firstPosition, CrossAttentionCapture capture, int window, int lane)
    {
        state.Rows.Clear();
        for (int i = 0; i < tokens.Length; i++)
        {
            state.Rows.Add(tokens[i], lane, firstPosition + i, window, wantsLogits: true);
        }

        model.Network.Decoder.Forward(state, capture: capture);
        state.ReadLogits(_logits.AsSpan(0, tokens.Length * model.Dimensions.Vocabulary));
    }
}
