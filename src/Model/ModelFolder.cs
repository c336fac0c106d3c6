namespace Handwritten.Model;

/// <summary>
/// Finds models by name. A model is a folder; a name that is none is looked up below the <c>weights</c> folders: that of
/// the working directory, and the nearest one above the program. <c>tiny</c> also finds <c>whisper-tiny</c>.
/// </summary>
public static class ModelFolder
{
    /// <summary>The model that is there without any download.</summary>
    public const string Default = "whisper-nano";

    /// <summary>The folder of a model.</summary>
    /// <param name="nameOrPath">A folder, or a name below a <c>weights</c> folder.</param>
    /// <exception cref="ModelException">There is no such model; the sentence says which there are.</exception>
    public static string Resolve(string nameOrPath) => Resolve(nameOrPath, [.. WeightFolders()]);

    internal static string Resolve(string nameOrPath, IReadOnlyList<string> weightFolders)
    {
        if (Directory.Exists(nameOrPath))
        {
            return nameOrPath;
        }

        if (File.Exists(nameOrPath))
        {
            throw new ModelException($"'{nameOrPath}' is a file: a model is the folder with its config.json and model.safetensors, so give that folder.");
        }

        if (nameOrPath.Length > 0 && !Path.IsPathRooted(nameOrPath))
        {
            foreach (string folder in weightFolders)
            {
                string[] candidates = [Path.Combine(folder, nameOrPath), Path.Combine(folder, $"whisper-{nameOrPath}")];
                if (candidates.FirstOrDefault(Directory.Exists) is { } found)
                {
                    return found;
                }
            }
        }

        string[] known = [.. weightFolders.SelectMany(Directory.GetDirectories).Where(IsModel).Select(folder => Path.GetFileName(folder)!).Distinct().Order()];
        string there = known.Length > 0 ? $"the models here are {string.Join(", ", known)}" : "there is no weights folder here";
        throw new ModelException($"There is no model '{nameOrPath}': give a folder as Hugging Face publishes it, or the name of one below weights ({there}).");
    }

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
}
