namespace Handwritten.Runtime.Decoding;

/// <summary>
/// Options that contradict each other, or a number that makes no sense; the message is one sentence that names them.
/// </summary>
public sealed class OptionsException(string message) : Exception(message)
{
    /// <summary>Refuses options unless a condition holds.</summary>
    internal static void Require(bool holds, FormattableString otherwise)
    {
        if (!holds)
        {
            throw new OptionsException(FormattableString.Invariant(otherwise));
        }
    }

    /// <summary>Refuses options with a part that is null.</summary>
    internal static void RequirePart(string name, object? part) => Require(part is not null, $"{name} must not be null: leave it out, or give an empty value for nothing.");
}
