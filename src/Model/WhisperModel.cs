using Handwritten.Kernels;
using Handwritten.Model.Configuration;
using Handwritten.Model.Safetensors;
using Handwritten.Model.Tokenization;

namespace Handwritten.Model;

/// <summary>A whole model from a Hugging Face folder: configuration, tokenizer and network.</summary>
public sealed class WhisperModel : IDisposable
{
    private IKernels? _ownKernels;

    private WhisperModel(string folder, WhisperConfig config, GenerationConfig generation, WhisperTokenizer tokenizer, WhisperNetwork network)
    {
        Name = ModelFolder.NameOf(folder);
        Config = config;
        Generation = generation;
        Tokenizer = tokenizer;
        Network = network;
    }

    /// <summary>The folder's name, or the repository's for a model in the cache of Hugging Face.</summary>
    public string Name { get; }

    /// <summary>What config.json says.</summary>
    public WhisperConfig Config { get; }

    /// <summary>What generation_config.json says.</summary>
    public GenerationConfig Generation { get; }

    /// <summary>Text to tokens and back.</summary>
    public WhisperTokenizer Tokenizer { get; }

    /// <summary>The numerical half.</summary>
    public WhisperNetwork Network { get; }

    /// <summary>The architecture's numbers.</summary>
    public WhisperDimensions Dimensions => Network.Dimensions;

    /// <summary>Loads a model, and opens the device that it computes on; both go with the model.</summary>
    /// <param name="nameOrPath">
    /// A folder as Hugging Face publishes it, or a name that <see cref="ModelFolder.Resolve(string, string?)"/> finds.
    /// </param>
    /// <param name="options">Where to; null for a GPU if there is one.</param>
    /// <exception cref="ModelException">There is no such model, it lacks a file, or its files contradict each other.</exception>
    /// <exception cref="Kernels.Gpu.GpuException">The GPU that was asked for cannot be used.</exception>
    public static WhisperModel Load(string nameOrPath, ModelLoadOptions? options = null)
    {
        string folder = ModelFolder.Resolve(nameOrPath);
        IKernels kernels = (options ?? new ModelLoadOptions()).CreateKernels();
        try
        {
            WhisperModel model = Load(folder, kernels);
            model._ownKernels = kernels;
            return model;
        }
        catch
        {
            kernels.Dispose();
            throw;
        }
    }

    /// <summary>Loads a model folder into a back end.</summary>
    /// <param name="folder">As Hugging Face publishes it: config.json, tokenizer files, model.safetensors or its shards.</param>
    /// <param name="kernels">The back end; not disposed with the model.</param>
    /// <exception cref="ModelException">The folder lacks a file, or its files contradict each other.</exception>
    public static WhisperModel Load(string folder, IKernels kernels)
    {
        WhisperConfig config = WhisperConfig.Load(folder);
        GenerationConfig generation = GenerationConfig.Load(folder, config);
        _ = PreprocessorConfig.Load(folder, config);
        WhisperTokenizer tokenizer = WhisperTokenizer.Load(folder, config, generation);
        using SafetensorsFolder weights = new(folder);
        bool tied = config.TieWordEmbeddings || !weights.Contains("proj_out.weight");
        WhisperNetwork network = new(config.Dimensions, tied, weights, kernels);
        try
        {
            tokenizer.EnsureReady();
            return new WhisperModel(folder, config, generation, tokenizer, network);
        }
        catch
        {
            network.Dispose();
            throw;
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Network.Dispose();
        _ownKernels?.Dispose();
    }
}
