using System.Text.Json;
using System.Text.Unicode;

namespace Handwritten.Model.Safetensors;

/// <summary>
/// Reads JSON that nobody vouches for, token by token: no recursion, no document tree, at most 64 levels, nothing but
/// <see cref="InvalidDataException"/> on the way out, its message the rule that was broken. The bytes must be UTF-8
/// throughout, escapes included, because tensor names are compared as text.
/// </summary>
internal ref struct StrictJson
{
    private readonly string _what;
    private Utf8JsonReader _reader;

    /// <summary>Starts before the first token.</summary>
    /// <param name="what">What of the file is JSON, for messages: "the header".</param>
    /// <param name="utf8">The text.</param>
    public StrictJson(string what, ReadOnlySpan<byte> utf8)
    {
        _what = what;
        _reader = new Utf8JsonReader(utf8);
        if (!Utf8.IsValid(utf8))
        {
            throw new InvalidDataException($"{what} is not valid UTF-8");
        }
    }

    public readonly JsonTokenType Token => _reader.TokenType;

    /// <summary>Moves to the next token; false behind the last.</summary>
    public bool Read()
    {
        try
        {
            return _reader.Read();
        }
        catch (JsonException cause)
        {
            throw new InvalidDataException($"{_what} is not valid JSON after byte {_reader.BytesConsumed}", cause);
        }
    }

    /// <summary>Moves to the next token, which must be of one kind; <paramref name="rule"/> says so.</summary>
    public void Expect(JsonTokenType token, string rule)
    {
        Read();
        if (Token != token)
        {
            throw new InvalidDataException(rule);
        }
    }

    /// <summary>Inside an object: moves to the next member and gives its name; false at the closing brace.</summary>
    public bool NextMember(out string name)
    {
        Read();
        bool member = Token == JsonTokenType.PropertyName;
        name = member ? Text() : "";
        return member;
    }

    /// <summary>The value of the current string or name, escapes resolved.</summary>
    public readonly string Text()
    {
        try
        {
            return _reader.GetString()!;
        }
        catch (InvalidOperationException cause)
        {
            throw new InvalidDataException(
                $"{_what} has half a surrogate pair in the text that ends at byte {_reader.BytesConsumed}", cause);
        }
    }

    /// <summary>The current token as a non-negative integer without sign, fraction or exponent.</summary>
    public readonly bool TryInteger(out long value)
    {
        ulong unsigned = 0;
        bool isInteger = Token == JsonTokenType.Number && _reader.TryGetUInt64(out unsigned) && unsigned <= long.MaxValue;
        value = (long)unsigned;
        return isInteger;
    }

    /// <summary>Moves over the next value, whatever it is.</summary>
    public void Skip()
    {
        Read();
        int depth = _reader.CurrentDepth;
        if (Token is JsonTokenType.StartObject or JsonTokenType.StartArray)
        {
            while (Read() && _reader.CurrentDepth > depth)
            {
            }
        }
    }

    /// <summary>Nothing but white space may follow.</summary>
    public void ExpectEnd()
    {
        if (Read())
        {
            throw new InvalidDataException($"{_what} goes on after its closing brace");
        }
    }
}
