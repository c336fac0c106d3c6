using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace Handwritten.Server.Access;

/// <summary>A client that may use the server.</summary>
/// <param name="Name">What logs and metrics call it.</param>
/// <param name="Hash">SHA-256 of the key, 32 bytes.</param>
/// <param name="RequestsPerMinute">Its own limit; null for the server's.</param>
internal sealed record ApiKey(string Name, byte[] Hash, int? RequestsPerMinute);

/// <summary>
/// The file of keys, a client a line; the keys themselves are nowhere in it:
/// <code>
///     # name      hash of the key                 its own limit, if any
///     newsroom    sha256:9f86d081884c7d65...      requests_per_minute=120
/// </code>
/// A key is 256 random bits, so that a plain hash is enough: there is nothing to guess, as there is in a password.
/// </summary>
public static class ApiKeyFile
{
    private const string KeyPrefix = "hw-", HashPrefix = "sha256:", RatePrefix = "requests_per_minute=";

    /// <summary>Draws a key.</summary>
    /// <returns>The key, which only its client keeps, and the hash as the file has it.</returns>
    public static (string Key, string Hash) Create()
    {
        string key = KeyPrefix + Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(32));
        return (key, HashPrefix + Convert.ToHexStringLower(HashOf(key)));
    }

    /// <summary>The SHA-256 of a key.</summary>
    internal static byte[] HashOf(string key) => SHA256.HashData(Encoding.UTF8.GetBytes(key));

    /// <summary>Reads the file's text.</summary>
    /// <exception cref="FormatException">A line makes no sense; the sentence says which.</exception>
    internal static IReadOnlyList<ApiKey> Parse(string text)
    {
        List<ApiKey> keys = [];
        string[] lines = text.Split('\n');
        for (int i = 0; i < lines.Length; i++)
        {
            string[] parts = lines[i].Split('#')[0].Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries);
            if (parts.Length > 0)
            {
                keys.Add(ParseLine(parts) ?? throw new FormatException($"Line {i + 1} of the API keys is not 'name sha256:HASH [requests_per_minute=N]'."));
            }
        }

        return keys;
    }

    private static ApiKey? ParseLine(string[] parts)
    {
        int rate = 0;
        bool hasRate = parts.Length == 3 && parts[2].StartsWith(RatePrefix, StringComparison.Ordinal) &&
            int.TryParse(parts[2].AsSpan(RatePrefix.Length), NumberStyles.None, CultureInfo.InvariantCulture, out rate) && rate > 0;
        if (!(parts.Length == 2 || hasRate) || !parts[1].StartsWith(HashPrefix, StringComparison.Ordinal))
        {
            return null;
        }

        byte[] hash = new byte[SHA256.HashSizeInBytes];
        return Convert.FromHexString(parts[1].AsSpan(HashPrefix.Length), hash, out int consumed, out int written) == System.Buffers.OperationStatus.Done
            && written == hash.Length && consumed == parts[1].Length - HashPrefix.Length
            ? new ApiKey(parts[0], hash, hasRate ? rate : null)
            : null;
    }
}
