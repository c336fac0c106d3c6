using System.IO.Hashing;
using System.Text;

namespace Handwritten.Model;

/// <summary>Tells models apart by what their files hold, wherever they lie and whatever they are called.</summary>
public static class ModelFingerprint
{
    private static readonly string[] Endings = [".json", ".txt", ".safetensors"];

    /// <summary>The XxHash128 of a model folder's configuration, tokenizer and weights, in hexadecimal; reads all of them.</summary>
    /// <param name="folder">The model's folder.</param>
    /// <exception cref="ModelException">A file cannot be read.</exception>
    public static string Of(string folder)
    {
        ArgumentNullException.ThrowIfNull(folder);
        try
        {
            XxHash128 hash = new();
            foreach (string path in Directory.GetFiles(folder).Where(path => Endings.Contains(Path.GetExtension(path))).Order(StringComparer.Ordinal))
            {
                using FileStream file = File.OpenRead(path);
                hash.Append(Encoding.UTF8.GetBytes(FormattableString.Invariant($"{Path.GetFileName(path)}\0{file.Length}\0")));
                hash.Append(file);
            }

            return Convert.ToHexStringLower(hash.GetCurrentHash());
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new ModelException($"The model in '{folder}' cannot be read: {exception.Message.TrimEnd('.')}.", exception);
        }
    }
}
