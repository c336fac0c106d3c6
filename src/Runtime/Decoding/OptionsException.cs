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
}
