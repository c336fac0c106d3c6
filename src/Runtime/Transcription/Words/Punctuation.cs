using Handwritten.Model.Tokenization;

namespace Handwritten.Runtime.Transcription.Words;

/// <summary>
/// Joins punctuation to the word before or behind it: <c>" \""</c>, <c>"Yes"</c>, <c>"!"</c> become <c>" \"Yes!"</c>. What
/// joins another word stays in the list, without text and tokens. Source: openai/whisper, timing.py, merge_punctuations.
/// </summary>
/// <remarks>
/// Whether a word is punctuation is a search for a substring, as in the original: an empty one is, and several marks are
/// if they stand side by side in the list.
/// </remarks>
internal static class Punctuation
{
    /// <summary>Joins.</summary>
    /// <param name="words">The words of a window.</param>
    /// <param name="prepended">Marks that belong to the word behind them, if there is a space before them.</param>
    /// <param name="appended">Marks that belong to the word before them, if there is no space between.</param>
    public static void Merge(IReadOnlyList<WordTiming> words, string prepended, string appended)
    {
        int following = words.Count - 1;
        for (int i = words.Count - 2; i >= 0; i--)
        {
            if (words[i].Text.StartsWith(' ') && prepended.Contains(PythonText.Strip(words[i].Text), StringComparison.Ordinal))
            {
                Join(words[i], words[following], into: words[following]);
            }
            else
            {
                following = i;
            }
        }

        int previous = 0;
        for (int i = 1; i < words.Count; i++)
        {
            if (!words[previous].Text.EndsWith(' ') && appended.Contains(words[i].Text, StringComparison.Ordinal))
            {
                Join(words[previous], words[i], into: words[previous]);
            }
            else
            {
                previous = i;
            }
        }
    }

    private static void Join(WordTiming first, WordTiming second, WordTiming into)
    {
        (string text, int[] tokens) = (first.Text + second.Text, [.. first.Tokens, .. second.Tokens]);
        WordTiming emptied = into == first ? second : first;
        (emptied.Text, emptied.Tokens) = ("", []);
        (into.Text, into.Tokens) = (text, tokens);
    }
}
