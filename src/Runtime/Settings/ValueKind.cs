using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Numerics;
using Handwritten.Model.Tokenization;

namespace Handwritten.Runtime.Settings;

/// <summary>Reads a text.</summary>
/// <param name="text">The text.</param>
/// <param name="value">What it stands for.</param>
/// <returns>Whether it stands for anything.</returns>
public delegate bool TextReader<T>(string text, [MaybeNullWhen(false)] out T value);

/// <summary>What a text must be to stand for a value: how it is read, written, and what is said of one that is something else.</summary>
/// <param name="expectation">What it must be, for the sentence "NAME must be ..., but it is 'TEXT'."</param>
/// <param name="placeholder">What stands for it in a command's help.</param>
/// <param name="jsonType">Its type in JSON: string, number, integer or boolean.</param>
/// <param name="read">Reads it.</param>
/// <param name="write">Writes it so that it can be read again.</param>
public sealed class ValueKind<T>(string expectation, string placeholder, string jsonType, TextReader<T> read, Func<T, string> write)
{
    /// <summary>What stands for a value in a command's help.</summary>
    public string Placeholder => placeholder;

    /// <summary>What a text must be.</summary>
    public string Expectation => expectation;

    /// <summary>The type in JSON: string, number, integer or boolean.</summary>
    public string JsonType => jsonType;

    /// <summary>The words that there are, where there are but a few.</summary>
    public IReadOnlyCollection<string> Words { get; init; } = [];

    /// <summary>Whether it is values with commas between them.</summary>
    public bool IsList { get; init; }

    /// <summary>What is said of a text that is something else.</summary>
    public Func<string, string> Complaint { get; init; } = text => $"but it is '{text}'";

    /// <summary>Reads a value.</summary>
    /// <param name="name">The setting's name as the user knows it.</param>
    /// <param name="text">The text.</param>
    /// <exception cref="SettingException">It stands for no value.</exception>
    public T Read(string name, string text) => read(text, out T? value) ? value : throw new SettingException($"{name} must be {expectation}, {Complaint(text)}.");

    /// <summary>Reads a value.</summary>
    /// <returns>Whether there is one.</returns>
    public bool TryRead(string text, [MaybeNullWhen(false)] out T value) => read(text, out value);

    /// <summary>Writes a value so that it can be read again.</summary>
    public string Write(T value) => write(value);
}

/// <summary>The kinds of values that settings have.</summary>
public static class ValueKind
{
    private const string None = "None";

    /// <summary>On or off.</summary>
    public static ValueKind<bool> Flag { get; } = new("true or false", "True|False", "boolean", TryReadFlag, value => value ? "true" : "false");

    /// <summary>A language of Whisper, by code or English name; its value is the code.</summary>
    public static ValueKind<string?> Language { get; } = new(
        "a code such as 'en' or a name such as 'English'", "LANGUAGE", "string", (string text, out string? code) => (code = Languages.FindCode(text)) is not null, code => code ?? "")
    {
        Words = [.. Languages.Names.Keys, .. Languages.Codes.Keys],
    };

    /// <summary>Any text.</summary>
    /// <param name="placeholder">What stands for it in a command's help.</param>
    public static ValueKind<string?> Text(string placeholder) => new("a text", placeholder, "string", (string text, out string? value) => (value = text) is not null, value => value ?? "");

    /// <summary>One of a few words.</summary>
    public static ValueKind<string> Choice(params string[] words) => new(
        words is [var only] ? only : $"{string.Join(", ", words[..^1])} or {words[^1]}", string.Join('|', words), "string", (string text, [MaybeNullWhen(false)] out string value) => words.Contains(value = text), value => value)
    {
        Words = words,
    };

    /// <summary>A number.</summary>
    /// <param name="minimum">The least.</param>
    /// <param name="maximum">The most.</param>
    public static ValueKind<double> Number(double minimum, double maximum) => new(
        string.Create(CultureInfo.InvariantCulture, $"a number from {minimum} to {maximum}"),
        "N",
        "number",
        (string text, out double value) => double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out value) && value >= minimum && value <= maximum,
        value => value.ToString(CultureInfo.InvariantCulture));

    /// <summary>A whole number.</summary>
    /// <param name="minimum">The least.</param>
    /// <param name="maximum">The most.</param>
    public static ValueKind<T> WholeNumber<T>(T minimum, T maximum)
        where T : struct, IBinaryInteger<T> => new(
        string.Create(CultureInfo.InvariantCulture, $"a whole number from {minimum} to {maximum}"),
        "N",
        "integer",
        (string text, out T value) => T.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out value) && value >= minimum && value <= maximum,
        value => value.ToString(null, CultureInfo.InvariantCulture));

    /// <summary>A value or, as openai/whisper has it, None.</summary>
    public static ValueKind<T?> OrNone<T>(this ValueKind<T> kind)
        where T : struct => new(
            $"{kind.Expectation} or {None}",
            $"{kind.Placeholder}|{None}",
            kind.JsonType,
            (string text, out T? value) =>
            {
                bool isNone = text.Equals(None, StringComparison.OrdinalIgnoreCase);
                bool isValue = kind.TryRead(text, out T present);
                value = isValue ? present : null;
                return isNone || isValue;
            },
            value => value is T present ? kind.Write(present) : None);

    /// <summary>Values with commas between them, or none at all.</summary>
    /// <param name="kind">Each value's.</param>
    /// <param name="expectation">What each must be.</param>
    /// <param name="placeholder">What stands for them in a command's help.</param>
    public static ValueKind<IReadOnlyList<T>> Several<T>(this ValueKind<T> kind, string expectation, string placeholder)
        where T : struct => new(
            $"{expectation} with commas between them",
            placeholder,
            "string",
            (string text, [MaybeNullWhen(false)] out IReadOnlyList<T> values) =>
            {
                string[] parts = Parts(text);
                values = [.. parts.TakeWhile(part => kind.TryRead(part, out _)).Select(part => kind.Read("", part))];
                return values.Count == parts.Length;
            },
            values => string.Join(',', values.Select(kind.Write)))
        {
            IsList = true,
            Complaint = text => $"but '{Parts(text).First(part => !kind.TryRead(part, out _))}' is not",
        };

    private static string[] Parts(string text) => text.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);

    private static bool TryReadFlag(string text, out bool value)
    {
        value = text is "1" || text.Equals("true", StringComparison.OrdinalIgnoreCase);
        return value || text is "0" || text.Equals("false", StringComparison.OrdinalIgnoreCase);
    }
}
