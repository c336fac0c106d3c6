using System.Text.RegularExpressions;

namespace Handwritten.Model;

/// <summary>A model on this machine.</summary>
/// <param name="Name">
/// What to call it: <c>whisper-nano</c> below <c>weights</c>, <c>openai/whisper-tiny</c> in the cache of Hugging Face.
/// </param>
/// <param name="Folder">Its folder.</param>
public sealed record LocalModel(string Name, string Folder);

/// <summary>
/// Finds models by name. A model is a folder with a config.json. What is none is looked up, in this order,
/// <code>
///     below the weights folders: that of the working directory, and the nearest one above the program
///     in the cache of Hugging Face, where `handwritten pull` and Python put what they download
/// </code>
/// and may be a folder's name (<c>whisper-nano</c>, <c>nano</c>), the short name of a published model (<c>tiny</c>, <c>large</c>,
/// <c>turbo</c>), or its repository (<c>openai/whisper-tiny</c>, also one of somebody else). So a folder of transcripts that is
/// called as their model hides no model.
/// </summary>
public static partial class ModelFolder
{
    /// <summary>The model that is there without any download.</summary>
    public const string Default = "whisper-nano";

    /// <summary>The folder of a model.</summary>
    /// <param name="nameOrPath">A folder, or a name.</param>
    /// <param name="place">A folder to look in first: for folders of models, and as a cache of Hugging Face; null for none.</param>
    /// <exception cref="ModelException">There is no such model; the sentence says how to get it, or which there are.</exception>
    public static string Resolve(string nameOrPath, string? place = null) => place is null
        ? Resolve(nameOrPath, [.. WeightFolders()], HubCache.Default)
        : Resolve(nameOrPath, [.. Directory.Exists(place) ? [place] : Array.Empty<string>(), .. WeightFolders()], new HubCache(place), HubCache.Default);

    /// <summary>
    /// The models on this machine that have a name: those below <c>weights</c>, and those in the cache of Hugging Face.
    /// </summary>
    public static IReadOnlyList<LocalModel> Local() => Local([.. WeightFolders()], HubCache.Default);

    /// <summary>
    /// What to call the model in a folder: the folder's name, or the repository's for a folder in the cache of Hugging Face.
    /// </summary>
    public static string NameOf(string folder)
    {
        string path = HubCache.RepositoryOf(folder) ?? Path.TrimEndingDirectorySeparator(Path.GetFullPath(folder));
        return Path.GetFileName(path);
    }

    /// <summary>Whether a name has the form of a repository on the hub, <c>owner/name</c>.</summary>
    public static bool IsRepository(string name) => RepositoryPattern().IsMatch(name) && !name.Contains("..", StringComparison.Ordinal) && !name.Contains("--", StringComparison.Ordinal);

    internal static IReadOnlyList<LocalModel> Local(IReadOnlyList<string> weightFolders, params IReadOnlyList<HubCache> caches) =>
    [
        .. weightFolders
            .SelectMany(folder => Below(folder))
            .Where(IsModel)
            .Select(folder => new LocalModel(Path.GetFileName(folder), folder))
            .DistinctBy(model => model.Name),
        .. caches.SelectMany(cache => cache.Models()).Select(model => new LocalModel(model.Repository, model.Folder)).DistinctBy(model => model.Name),
    ];

    internal static string Resolve(string nameOrPath, IReadOnlyList<string> weightFolders, params IReadOnlyList<HubCache> caches)
    {
        if (IsModel(nameOrPath))
        {
            return nameOrPath;
        }

        PublishedModel? published = PublishedModel.Find(nameOrPath);
        string? repository = published?.Repository ?? (IsRepository(nameOrPath) ? nameOrPath : null);
        if (IsName(nameOrPath) && Find(nameOrPath, published, repository, weightFolders, caches) is { } found)
        {
            return found;
        }

        // What is missing in a folder is told by who opens it; a published name means that model, whatever else is called so.
        if (published is null && Directory.Exists(nameOrPath))
        {
            return nameOrPath;
        }

        if (published is null && File.Exists(nameOrPath))
        {
            throw new ModelException($"'{nameOrPath}' is a file: a model is the folder with its config.json and model.safetensors, so give that folder.");
        }

        if (repository is not null)
        {
            throw new ModelException($"The model '{nameOrPath}' is not on this machine: get it with 'handwritten pull {repository}', or give the folder it is in ({Known(weightFolders, caches)}).");
        }

        throw new ModelException($"There is no model '{nameOrPath}': give a folder as Hugging Face publishes it, the name of one below weights, or one that 'handwritten pull' gets ({Known(weightFolders, caches)}).");
    }

    /// <summary>The folders in a folder that match a pattern, in the order of their names. What is not there or may not be read holds none.</summary>
    internal static IEnumerable<string> Below(string folder, string pattern = "*") => Directory.Exists(folder)
        ? Directory.GetDirectories(folder, pattern, new EnumerationOptions { IgnoreInaccessible = true, AttributesToSkip = 0 }).Order(StringComparer.Ordinal)
        : [];

    private static string? Find(string name, PublishedModel? published, string? repository, IReadOnlyList<string> weightFolders, IReadOnlyList<HubCache> caches)
    {
        string[] names = [name, published?.FolderName ?? $"whisper-{name}"];
        return weightFolders.SelectMany(folder => names.Select(folderName => Path.Combine(folder, folderName))).FirstOrDefault(Directory.Exists)
            ?? (repository is null ? null : caches.Select(cache => cache.Find(repository)).FirstOrDefault(folder => folder is not null));
    }

    private static string Known(IReadOnlyList<string> weightFolders, IReadOnlyList<HubCache> caches) =>
        Local(weightFolders, caches) is { Count: > 0 } known
            ? $"the models here are {string.Join(", ", known.Select(model => model.Name))}"
            : "there is no model here";

    /// <summary>Whether it can be looked up somewhere: <c>./nano</c>, <c>nano/</c> and <c>/models/nano</c> say where it is.</summary>
    private static bool IsName(string text) =>
        !Path.IsPathRooted(text) && text.Split(Path.DirectorySeparatorChar, Path.AltDirectorySeparatorChar).All(part => part is not ("" or "." or ".."));

    private static bool IsModel(string folder) => File.Exists(Path.Combine(folder, "config.json"));

    private static IEnumerable<string> WeightFolders()
    {
        string here = Path.Combine(Environment.CurrentDirectory, "weights");
        if (Directory.Exists(here))
        {
            yield return here;
        }

        for (DirectoryInfo? folder = new(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            string weights = Path.Combine(folder.FullName, "weights");
            if (weights != here && Directory.Exists(weights))
            {
                yield return weights;
                yield break;
            }
        }
    }

    [GeneratedRegex(@"\A[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*\z", RegexOptions.ECMAScript)]
    private static partial Regex RepositoryPattern();
}
