namespace Handwritten.Runtime.Hub;

/// <summary>
/// Downloads into a plain folder. Until all files are there they wait in a hidden folder inside it; config.json, by which
/// a folder is known for a model, comes last.
/// </summary>
public sealed class FolderStore : IModelStore
{
    private const string Configuration = "config.json";

    /// <summary>What the hidden folder is called. The folder around it may be anybody's: nothing is deleted that could be theirs.</summary>
    private const string WaitingFolder = ".handwritten-download";

    private readonly string _waiting;

    /// <summary>A folder, which need not exist.</summary>
    public FolderStore(string folder)
    {
        Folder = Path.GetFullPath(folder);
        _waiting = Path.Combine(Folder, WaitingFolder);
    }

    /// <inheritdoc/>
    public string Folder { get; }

    /// <inheritdoc/>
    public bool Has(HubFile file, CancellationToken cancellation) =>
        File.Exists(Waiting(file)) || ContentHash.Matches(Path.Combine(Folder, file.Path), file, cancellation);

    /// <inheritdoc/>
    public string PartialPath(HubFile file)
    {
        Directory.CreateDirectory(_waiting);
        return Waiting(file) + ".partial";
    }

    /// <inheritdoc/>
    public void Keep(HubFile file) => File.Move(PartialPath(file), Waiting(file), overwrite: true);

    /// <inheritdoc/>
    public string Show(HubSnapshot snapshot)
    {
        foreach (HubFile file in snapshot.Files.OrderBy(file => file.Path == Configuration).Where(file => File.Exists(Waiting(file))))
        {
            File.Move(Waiting(file), Path.Combine(Folder, file.Path), overwrite: true);
        }

        if (Directory.Exists(_waiting))
        {
            RemoveLeftovers();
        }

        return Folder;
    }

    /// <summary>What still waits, by names that are made here, is of a revision whose download was never finished.</summary>
    private void RemoveLeftovers()
    {
        foreach (string path in Directory.GetFiles(_waiting).Where(path => HubFile.IsHash(Path.GetFileName(path).Split('-')[0])))
        {
            File.Delete(path);
        }

        if (!Directory.EnumerateFileSystemEntries(_waiting).Any())
        {
            Directory.Delete(_waiting);
        }
    }

    // By hash, too: what waits may be of an older revision.
    private string Waiting(HubFile file) => Path.Combine(_waiting, $"{file.Hash}-{file.Path}");
}
