using System.Text.Json;
using System.Text.Unicode;

namespace Handwritten.Server.Requests;

/// <summary>
/// JSON whose texts can be read. Its grammar also allows half of a character that takes two escapes, as in <c>"\ud800"</c>, and its parser
/// looks at texts, that of bytes that are no UTF-8 included, only when somebody reads them, which is too late for an answer.
/// </summary>
internal static class ReadableJson
{
    private static ReadOnlySpan<byte> ByteOrderMark => "\uFEFF"u8;

    /// <summary>Parses JSON.</summary>
    /// <param name="json">UTF-8, also with a byte order mark; the document refers to it.</param>
    /// <exception cref="JsonException">It is none, or has a text that cannot be read.</exception>
    public static JsonDocument Parse(ReadOnlyMemory<byte> json)
    {
        if (json.Span.StartsWith(ByteOrderMark))
        {
            json = json[ByteOrderMark.Length..];
        }

        RequireTexts(json.Span);
        return JsonDocument.Parse(json);
    }

    /// <summary>Whether a value is a certain text.</summary>
    public static bool Says(this JsonElement value, string text) => value.ValueKind == JsonValueKind.String && value.ValueEquals(text);

    private static void RequireTexts(ReadOnlySpan<byte> json)
    {
        if (!Utf8.IsValid(json))
        {
            throw new JsonException("It is not UTF-8.");
        }

        Utf8JsonReader reader = new(json);
        try
        {
            while (reader.Read())
            {
                if (reader is { TokenType: JsonTokenType.String or JsonTokenType.PropertyName, ValueIsEscaped: true } && reader.ValueSpan.IndexOf("\\u"u8) >= 0)
                {
                    reader.GetString();
                }
            }
        }
        catch (InvalidOperationException failure)
        {
            throw new JsonException("A text has half a character (a lone surrogate).", failure);
        }
    }
}
