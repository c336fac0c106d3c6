using System.Text.RegularExpressions;

namespace Handwritten.Runtime.Hub;

/// <summary>A repository at one commit: what there is to download.</summary>
/// <param name="Repository">Owner and name, as in <c>openai/whisper-tiny</c>.</param>
/// <param name="Revision">The branch, tag or commit that was asked for.</param>
/// <param name="Commit">The commit it is at, 40 hexadecimal digits.</param>
/// <param name="Files">The files that a model needs; see <see cref="NeededFiles"/>.</param>
public sealed record HubSnapshot(string Repository, string Revision, string Commit, IReadOnlyList<HubFile> Files)
{
    /// <summary>Bytes of all files.</summary>
    public long Bytes => Files.Sum(file => file.Size);
}

/// <summary>A file of a repository.</summary>
/// <param name="Path">Its name; the files of a model lie in no folder.</param>
/// <param name="Size">In bytes.</param>
/// <param name="Hash">
/// What its content hashes to, in lower-case hexadecimal: the SHA-256 of a large file (64 digits), git's SHA-1 of a small
/// one (40 digits). The cache names its blobs by it.
/// </param>
public sealed partial record HubFile(string Path, long Size, string Hash)
{
    /// <summary>Whether the hash is a SHA-256.</summary>
    public bool IsLarge => Hash.Length == 64;

    /// <summary>Whether a text is a hash of either kind; anything else could name a file outside of the cache.</summary>
    internal static bool IsHash(string text) => HashPattern().IsMatch(text);

    [GeneratedRegex(@"\A([0-9a-f]{40}|[0-9a-f]{64})\z")]
    private static partial Regex HashPattern();
}
