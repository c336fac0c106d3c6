namespace Handwritten.Model.Tokenization;

// The original is Python, and whoever compares its results with ours compares Python's idea of a blank and of a text's
// length. Both differ from .NET's in corners.

/// <summary>Text as Python's str has it.</summary>
public static class PythonText
{
    /// <summary><c>str.isspace</c>: what .NET calls white space, and the four ASCII separators.</summary>
    public static bool IsSpace(char character) => char.IsWhiteSpace(character) || character is >= '\x1c' and <= '\x1f';

    /// <summary><c>str.strip()</c>: without the white space at both ends.</summary>
    public static string Strip(string text)
    {
        int start = 0;
        int end = text.Length;
        while (start < end && IsSpace(text[start]))
        {
            start++;
        }

        while (end > start && IsSpace(text[end - 1]))
        {
            end--;
        }

        return text[start..end];
    }

    /// <summary><c>len()</c>: code points, where .NET counts UTF-16 units.</summary>
    public static int Length(string text)
    {
        int length = 0;
        foreach (System.Text.Rune _ in text.EnumerateRunes())
        {
            length++;
        }

        return length;
    }
}
