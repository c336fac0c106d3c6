using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Microsoft.Win32.SafeHandles;

namespace Handwritten.Runtime.Hub;

/// <summary>
/// The hashes by which a hub knows contents: SHA-256 for what git-lfs holds, and for the others what git calls a blob's
/// name, the SHA-1 of <c>blob SIZE\0</c> and the content.
/// </summary>
internal static class ContentHash
{
    /// <summary>Whether the first <see cref="HubFile.Size"/> bytes of an open file are that file's.</summary>
    public static bool Matches(SafeFileHandle content, HubFile file, CancellationToken cancellation)
    {
        using IncrementalHash hash = IncrementalHash.CreateHash(file.IsLarge ? HashAlgorithmName.SHA256 : HashAlgorithmName.SHA1);
        if (!file.IsLarge)
        {
            hash.AppendData(Encoding.ASCII.GetBytes(string.Create(CultureInfo.InvariantCulture, $"blob {file.Size}\0")));
        }

        byte[] buffer = new byte[1 << 20];
        for (long at = 0; at < file.Size;)
        {
            cancellation.ThrowIfCancellationRequested();
            int count = RandomAccess.Read(content, buffer.AsSpan(0, (int)Math.Min(buffer.Length, file.Size - at)), at);
            if (count == 0)
            {
                return false;
            }

            hash.AppendData(buffer, 0, count);
            at += count;
        }

        return Convert.ToHexStringLower(hash.GetHashAndReset()) == file.Hash;
    }

    /// <summary>Whether a file is there, whole and genuine.</summary>
    public static bool Matches(string path, HubFile file, CancellationToken cancellation)
    {
        if (!File.Exists(path))
        {
            return false;
        }

        using SafeFileHandle content = File.OpenHandle(path, options: FileOptions.SequentialScan);
        return RandomAccess.GetLength(content) == file.Size && Matches(content, file, cancellation);
    }
}
