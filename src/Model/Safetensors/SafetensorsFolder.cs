using Handwritten.Kernels;

namespace Handwritten.Model.Safetensors;

/// <summary>
/// The weights of a Hugging Face model folder: <c>model.safetensors</c>, or for large models several shards and a table
/// of contents, <c>model.safetensors.index.json</c>:
/// <code>
/// {"metadata": {...}, "weight_map": {"model.encoder.conv1.weight": "model-00001-of-00002.safetensors", ...}}
/// </code>
/// The table and the shards must agree on every tensor: shards of two downloads do not mix by accident.
/// </summary>
public sealed class SafetensorsFolder : ITensorSource
{
    /// <summary>The name of a checkpoint in one file.</summary>
    public const string FileName = "model.safetensors";

    /// <summary>The name of the table of contents of a checkpoint in shards.</summary>
    public const string IndexName = "model.safetensors.index.json";

    private readonly List<SafetensorsFile> _files = [];
    private readonly Dictionary<string, SafetensorsFile> _fileOf = [];

    /// <summary>Opens the one file or all shards of a folder.</summary>
    /// <exception cref="SafetensorsException">
    /// There is no checkpoint, or a file breaks a rule, or the index does not fit the shards.
    /// </exception>
    public SafetensorsFolder(string path)
    {
        Origin = path;
        try
        {
            if (File.Exists(Path.Combine(path, FileName)))
            {
                Add(FileName);
            }
            else if (File.Exists(Path.Combine(path, IndexName)))
            {
                AddShards(Path.Combine(path, IndexName));
            }
            else
            {
                throw NothingThere(path);
            }
        }
        catch
        {
            Dispose();
            throw;
        }

        Names = [.. _fileOf.Keys.Order(StringComparer.Ordinal)];
    }

    /// <summary>The folder's path.</summary>
    public string Origin { get; }

    /// <inheritdoc/>
    public IReadOnlyList<string> Names { get; }

    /// <summary>The file or files that hold the tensors.</summary>
    public IReadOnlyList<SafetensorsFile> Files => _files;

    /// <inheritdoc/>
    public bool Contains(string name) => _fileOf.ContainsKey(name);

    /// <inheritdoc cref="SafetensorsFile.Describe"/>
    public TensorInfo Describe(string name) => FileOf(name).Describe(name);

    /// <inheritdoc cref="SafetensorsFile.Open"/>
    public HostTensor Open(string name) => FileOf(name).Open(name);

    /// <inheritdoc cref="SafetensorsFile.Hash(string)"/>
    public ulong Hash(string name) => FileOf(name).Hash(name);

    /// <inheritdoc/>
    public void Dispose() => _files.ForEach(file => file.Dispose());

    private SafetensorsFile FileOf(string name) => _fileOf.TryGetValue(name, out SafetensorsFile? file)
        ? file
        : throw SafetensorsException.NoTensor(Origin, name);

    private SafetensorsFile Add(string fileName)
    {
        SafetensorsFile file = new(Path.Combine(Origin, fileName));
        _files.Add(file);
        foreach (string name in file.Names)
        {
            _fileOf.TryAdd(name, file);
        }

        return file;
    }

    private void AddShards(string indexPath)
    {
        Dictionary<string, string> index = ShardIndex.Read(indexPath);
        foreach (var shard in index.GroupBy(entry => entry.Value).OrderBy(shard => shard.Key, StringComparer.Ordinal))
        {
            SafetensorsFile file = Add(shard.Key);
            foreach (string name in file.Names)
            {
                if (!index.TryGetValue(name, out string? expected) || expected != shard.Key)
                {
                    string claim = expected is null ? "does not list it" : $"places it in {SafetensorsException.Quote(expected)}";
                    throw SafetensorsException.Invalid(
                        file.Origin, $"it holds tensor {SafetensorsException.Quote(name)}, but '{IndexName}' {claim}");
                }
            }

            foreach ((string name, _) in shard.Where(entry => !file.Contains(entry.Key)))
            {
                throw SafetensorsException.Invalid(
                    file.Origin, $"it lacks tensor {SafetensorsException.Quote(name)}, which '{IndexName}' places in it");
            }
        }
    }

    private static SafetensorsException NothingThere(string path)
    {
        if (!Directory.Exists(path))
        {
            return new SafetensorsException(File.Exists(path)
                ? $"'{path}' is a file; give the folder that holds it."
                : $"The model folder '{path}' does not exist; check the path.");
        }

        return new SafetensorsException(File.Exists(Path.Combine(path, "pytorch_model.bin"))
            ? $"'{path}' has its weights only as 'pytorch_model.bin', which is a program that would have to be run; download or convert '{FileName}'."
            : $"'{path}' holds neither '{FileName}' nor '{IndexName}'; give the folder of a Hugging Face model with safetensors weights.");
    }
}
