using Handwritten.Model.Configuration;

namespace Handwritten.Model;

/// <summary>
/// The folder where Python's huggingface_hub keeps what it has downloaded, so that a model which transformers or another
/// program has fetched is found here, and the other way round:
/// <code>
///     hub/models--openai--whisper-tiny/
///         refs/main                          the commit that main was at, 40 hexadecimal digits
///         blobs/7ebd...e9bc                  a file's content, named by its SHA-256 (small files: git's SHA-1)
///         snapshots/169d.../config.json  ->  ../../blobs/...
/// </code>
/// Source: huggingface_hub, constants.py and file_download.py.
/// </summary>
public sealed class HubCache
{
    private const string Prefix = "models--";

    /// <summary>A cache in a folder, which need not exist.</summary>
    public HubCache(string folder)
    {
        ArgumentNullException.ThrowIfNull(folder);
        Folder = folder;
    }

    /// <summary>The cache of this user: HF_HUB_CACHE, or hub below HF_HOME, or ~/.cache/huggingface/hub.</summary>
    public static HubCache Default => new(Locate(Environment.GetEnvironmentVariable, Environment.GetFolderPath(Environment.SpecialFolder.UserProfile)));

    /// <summary>Where it is.</summary>
    public string Folder { get; }

    /// <summary>The folder of one repository.</summary>
    /// <param name="repository">Owner and name, as in <c>openai/whisper-tiny</c>.</param>
    public string RepositoryFolder(string repository)
    {
        ArgumentNullException.ThrowIfNull(repository);
        return Path.Combine(Folder, Prefix + repository.Replace("/", "--", StringComparison.Ordinal));
    }

    /// <summary>The model of a repository; null unless its configuration and weights are here.</summary>
    /// <param name="repository">Owner and name, as in <c>openai/whisper-tiny</c>.</param>
    /// <param name="revision">A branch, a tag, or a commit.</param>
    public string? Find(string repository, string revision = "main")
    {
        string folder = RepositoryFolder(repository);
        string reference = Path.Combine(folder, "refs", revision);
        try
        {
            string commit = File.Exists(reference) ? File.ReadAllText(reference).Trim() : revision;
            string snapshot = Path.Combine(folder, "snapshots", commit);
            return HasModel(snapshot) ? snapshot : null;
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            // What cannot be read is not here.
            return null;
        }
    }

    /// <summary>The Whisper models in it: their repositories, with the folder that <see cref="Find"/> gives.</summary>
    public IEnumerable<(string Repository, string Folder)> Models() =>
        from folder in ModelFolder.Below(Folder, Prefix + "*")
        let repository = Path.GetFileName(folder)[Prefix.Length..].Replace("--", "/", StringComparison.Ordinal)
        let model = Find(repository)
        where model is not null && IsWhisper(model)
        select (repository, model);

    /// <summary>The repository that a snapshot in any such cache belongs to; null for other folders.</summary>
    internal static string? RepositoryOf(string folder) =>
        Directory.GetParent(Path.GetFullPath(Path.TrimEndingDirectorySeparator(folder))) is { Name: "snapshots", Parent.Name: var name } && name.StartsWith(Prefix, StringComparison.Ordinal)
            ? name[Prefix.Length..].Replace("--", "/", StringComparison.Ordinal)
            : null;

    internal static string Locate(Func<string, string?> environment, string home)
    {
        string caches = Set("XDG_CACHE_HOME") ?? Path.Combine(home, ".cache");
        string hub = Path.Combine(Set("HF_HOME") ?? Path.Combine(caches, "huggingface"), "hub");
        return Set("HF_HUB_CACHE") ?? Set("HUGGINGFACE_HUB_CACHE") ?? hub;

        string? Set(string variable) => environment(variable) switch
        {
            null or "" => null,
            ['~', '/', .. var below] => Path.Combine(home, below),
            var path => path,
        };
    }

    // Others may have fetched no more than the tokenizer, or the weights in another format.
    private static bool HasModel(string folder) =>
        File.Exists(Path.Combine(folder, WhisperConfig.FileName))
        && (File.Exists(Path.Combine(folder, "model.safetensors")) || File.Exists(Path.Combine(folder, "model.safetensors.index.json")));

    private static bool IsWhisper(string folder)
    {
        try
        {
            return JsonFile.TryOpen(folder, WhisperConfig.FileName)?.Text("model_type") == "whisper";
        }
        catch (ModelException)
        {
            return false;
        }
    }
}
