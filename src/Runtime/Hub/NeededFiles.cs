using System.Text.RegularExpressions;

namespace Handwritten.Runtime.Hub;

/// <summary>
/// The files of a repository that this program reads. Repositories hold the weights several times, for PyTorch,
/// TensorFlow, Flax and in other precisions: of openai/whisper-large-v3's 30 GB these are 3.
/// </summary>
internal static partial class NeededFiles
{
    private const string Weights = "model.safetensors";

    private static readonly string[] Small =
    [
        "config.json", "generation_config.json", "preprocessor_config.json", "processor_config.json",
        "vocab.json", "merges.txt", "added_tokens.json", "special_tokens_map.json", "tokenizer_config.json", "tokenizer.json", "normalizer.json",
    ];

    /// <summary>Chooses them.</summary>
    /// <param name="repository">The repository, for messages.</param>
    /// <param name="files">All files at its root.</param>
    /// <exception cref="HubException">It holds no model that can be read here.</exception>
    public static IReadOnlyList<HubFile> Choose(string repository, IReadOnlyList<HubFile> files)
    {
        HubFile[] small = [.. files.Where(file => Small.Contains(file.Path))];
        HubFile[] weights = [.. files.Where(file => file.Path == Weights)];
        if (weights.Length == 0 && files.Any(file => file.Path == Weights + ".index.json"))
        {
            weights = [.. files.Where(file => file.Path == Weights + ".index.json" || ShardPattern().IsMatch(file.Path))];
        }

        if (!small.Any(file => file.Path == "config.json"))
        {
            throw new HubException($"'{repository}' holds no model: it has no config.json.");
        }

        return weights.Length > 0
            ? [.. small, .. weights]
            : throw new HubException($"'{repository}' has no weights in the safetensors format (model.safetensors): look for another repository of this model, or for a --revision that has them.");
    }

    [GeneratedRegex(@"\Amodel-[0-9]{5}-of-[0-9]{5}\.safetensors\z")]
    private static partial Regex ShardPattern();
}
