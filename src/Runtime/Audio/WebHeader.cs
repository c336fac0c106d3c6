using System.Buffers;

namespace Handwritten.Runtime.Audio;

/// <summary>A header to send along with a request: <c>Authorization: Bearer ...</c>.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Value">Its value.</param>
public sealed record WebHeader(string Name, string Value)
{
    private static readonly SearchValues<char> NameCharacters =
        SearchValues.Create("!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz");

    /// <summary>
    /// Whether it can be sent, as one header and nothing more: a line break in a value would begin another header, or another
    /// request. Source: RFC 9110, section 5, without the bytes above 127, which have no agreed meaning there.
    /// </summary>
    public bool IsValid => Name.Length > 0 && !Name.AsSpan().ContainsAnyExcept(NameCharacters) && Value.All(letter => letter is '\t' or (>= ' ' and <= '~'));

    /// <summary>Reads <c>Name: value</c>; null if it is none, or would be two.</summary>
    public static WebHeader? Parse(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        int colon = text.IndexOf(':', StringComparison.Ordinal);
        return colon > 0 && new WebHeader(text[..colon], text[(colon + 1)..].Trim(' ', '\t')) is { IsValid: true } header ? header : null;
    }
}
