using System.Text;

namespace Handwritten.Cli.Profile;

/// <summary>Kernels' names for people.</summary>
internal static class KernelNames
{
    private const int DeepestShown = 2;

    /// <summary>Leaves out type arguments of type arguments of type arguments, which say how a kernel is made and not what it does.</summary>
    public static string Shorten(string name)
    {
        StringBuilder text = new();
        int depth = 0;
        foreach (char letter in name)
        {
            depth += letter == '<' ? 1 : 0;
            if (depth <= DeepestShown)
            {
                text.Append(letter);
            }

            depth -= letter == '>' ? 1 : 0;
        }

        return text.ToString();
    }
}
