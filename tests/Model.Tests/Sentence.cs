using Xunit;

namespace Handwritten.Model.Tests;

/// <summary>What a message for the person at the keyboard must be: one sentence that names the culprit and a way out.</summary>
internal static class Sentence
{
    public static void Check(string name, ModelException error, params string[] named)
    {
        foreach (string part in named)
        {
            Assert.True(error.Message.Contains(part, StringComparison.Ordinal), $"{name}: \"{part}\" is not in: {error.Message}");
        }

        Assert.EndsWith(".", error.Message, StringComparison.Ordinal);
        Assert.Contains("; ", error.Message, StringComparison.Ordinal);
        Assert.DoesNotContain(". ", error.Message, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', error.Message);
    }
}
