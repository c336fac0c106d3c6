using Handwritten.Model;

namespace Handwritten.Runtime.Hub;

/// <summary>
/// Downloads into the cache that Python's huggingface_hub uses, in its layout (see <see cref="HubCache"/>), so that
/// either finds what the other has fetched. Unfinished files have names of their own, since Python's are in one piece.
/// </summary>
public sealed class CacheStore : IModelStore
{
    /// <summary>The cache's part for one repository.</summary>
    public CacheStore(HubCache cache, string repository)
    {
        ArgumentNullException.ThrowIfNull(cache);
        Folder = cache.RepositoryFolder(repository);
    }

    /// <inheritdoc/>
    public string Folder { get; }

    /// <inheritdoc/>
    public bool Has(HubFile file, CancellationToken cancellation) => new FileInfo(Blob(file)) is { Exists: true } blob && blob.Length == file.Size;

    /// <inheritdoc/>
    public string PartialPath(HubFile file)
    {
        Directory.CreateDirectory(Path.Combine(Folder, "blobs"));
        return Blob(file) + ".partial";
    }

    /// <inheritdoc/>
    public void Keep(HubFile file) => File.Move(PartialPath(file), Blob(file), overwrite: true);

    /// <inheritdoc/>
    public string Show(HubSnapshot snapshot)
    {
        string folder = Path.Combine(Folder, "snapshots", snapshot.Commit);
        Directory.CreateDirectory(folder);
        foreach (HubFile file in snapshot.Files)
        {
            string path = Path.Combine(folder, file.Path);
            if (!File.Exists(path))
            {
                // What is there but leads nowhere is a link to a blob that somebody removed.
                File.Delete(path);
                Link(path, file);
            }
        }

        if (snapshot.Revision != snapshot.Commit)
        {
            string reference = Path.Combine(Folder, "refs", snapshot.Revision);
            Directory.CreateDirectory(Path.GetDirectoryName(reference)!);
            Output.WholeFile.Write(reference, file => file.Write(System.Text.Encoding.ASCII.GetBytes(snapshot.Commit)));
        }

        return folder;
    }

    private string Blob(HubFile file) => Path.Combine(Folder, "blobs", file.Hash);

    // Windows lets only some users make links; there huggingface_hub keeps the file itself in the snapshot, too.
    private void Link(string path, HubFile file)
    {
        try
        {
            File.CreateSymbolicLink(path, Path.Combine("..", "..", "blobs", file.Hash));
        }
        catch (Exception exception) when (OperatingSystem.IsWindows() && exception is IOException or UnauthorizedAccessException)
        {
            File.Copy(Blob(file), path);
        }
    }
}
