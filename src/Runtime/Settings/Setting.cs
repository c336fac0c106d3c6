namespace Handwritten.Runtime.Settings;

/// <summary>
/// A part of some options that people set by name: as an option of a command, a field of a form or of JSON. All of these read
/// the same texts and refuse the same others.
/// </summary>
/// <typeparam name="TOptions">The options; unchangeable.</typeparam>
public abstract class Setting<TOptions>
{
    /// <summary>The name, such as <c>beam_size</c>.</summary>
    public required string Name { get; init; }

    /// <summary>Other names, by which some know it.</summary>
    public IReadOnlyList<string> Aliases { get; init; } = [];

    /// <summary>What it does, in a sentence.</summary>
    public required string Description { get; init; }

    /// <summary>What stands for a value in a command's help.</summary>
    public abstract string Placeholder { get; }

    /// <summary>Its type in JSON: string, number, integer or boolean.</summary>
    public abstract string JsonType { get; }

    /// <summary>The words that there are, where there are but a few.</summary>
    public abstract IReadOnlyCollection<string> Words { get; }

    /// <summary>Whether it is on or off.</summary>
    public bool IsFlag => JsonType == "boolean";

    /// <summary>Whether it is values with commas between them.</summary>
    public abstract bool IsList { get; }

    /// <summary>Sets it.</summary>
    /// <param name="options">The options so far.</param>
    /// <param name="name">The name as the user knows it.</param>
    /// <param name="text">The value.</param>
    /// <returns>The options with it.</returns>
    /// <exception cref="SettingException">The text stands for no value.</exception>
    public abstract TOptions Apply(TOptions options, string name, string text);

    /// <summary>Its value in some options, as <see cref="Apply"/> would read it; empty where nothing is chosen.</summary>
    public abstract string Show(TOptions options);
}

/// <summary>A setting with values of a type.</summary>
/// <param name="kind">How they are read.</param>
/// <param name="get">Takes the value out of the options.</param>
/// <param name="set">Puts a value into the options.</param>
internal sealed class Setting<TOptions, TValue>(ValueKind<TValue> kind, Func<TOptions, TValue> get, Func<TOptions, TValue, TOptions> set) : Setting<TOptions>
{
    /// <inheritdoc/>
    public override string Placeholder => kind.Placeholder;

    /// <inheritdoc/>
    public override string JsonType => kind.JsonType;

    /// <inheritdoc/>
    public override IReadOnlyCollection<string> Words => kind.Words;

    /// <inheritdoc/>
    public override bool IsList => kind.IsList;

    /// <inheritdoc/>
    public override TOptions Apply(TOptions options, string name, string text) => set(options, kind.Read(name, text));

    /// <inheritdoc/>
    public override string Show(TOptions options) => kind.Write(get(options));
}
