using System.Buffers;

namespace Handwritten.Runtime.Audio;

/// <summary>A header to send along with a request: <c>Authorization: Bearer ...</c>.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Value">Its value.</param>
public sealed record WebHeader(string Name, string Value)
{
    private static readonly SearchValues<char> NameCharacters =
        SearchValues.Create("!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz");

    /// <summary>Reads <c>Name: value</c>; null if it is none, or would be two.</summary>
    public static WebHeader? Parse(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        int colon = text.IndexOf(':', StringComparison.Ordinal);
        return colon > 0 && !text.AsSpan(0, colon).ContainsAnyExcept(NameCharacters) && !text.AsSpan().ContainsAny("\r\n\0")
            ? new WebHeader(text[..colon], text[(colon + 1)..].Trim())
            : null;
    }
}
