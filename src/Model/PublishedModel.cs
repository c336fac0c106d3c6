using Handwritten.Kernels;
using Handwritten.Model.Synthetic;

namespace Handwritten.Model;

/// <summary>A Whisper that everybody can download from Hugging Face.</summary>
/// <param name="Name">What the <c>whisper</c> command, or its distillers, call it: <c>tiny</c>, <c>large-v3</c>.</param>
/// <param name="Repository">Where it is on the hub: <c>openai/whisper-tiny</c>.</param>
/// <param name="Dimensions">Its size.</param>
/// <param name="Type">The type of the weights in its model.safetensors.</param>
/// <param name="Aliases">Further names.</param>
public sealed record PublishedModel(string Name, string Repository, WhisperDimensions Dimensions, DType Type, params IReadOnlyList<string> Aliases)
{
    /// <summary>All of them, small ones first.</summary>
    public static IReadOnlyList<PublishedModel> All { get; } =
    [
        OpenAI("tiny", DType.F32), OpenAI("tiny.en", DType.F32),
        OpenAI("base", DType.F32), OpenAI("base.en", DType.F32),
        OpenAI("small", DType.F32), OpenAI("small.en", DType.F32),
        OpenAI("medium", DType.F32), OpenAI("medium.en", DType.F32),
        OpenAI("large-v1", DType.F32) with { Repository = "openai/whisper-large" },
        OpenAI("large-v2", DType.F32),
        // "large" is the newest, as for the whisper command; the repository of that name is the first one.
        OpenAI("large-v3", DType.F16) with { Aliases = ["large"] },
        OpenAI("large-v3-turbo", DType.F16) with { Aliases = ["turbo"] },
        Distilled("distil-small.en"), Distilled("distil-medium.en"), Distilled("distil-large-v2"), Distilled("distil-large-v3"),
    ];

    /// <summary>The repository without its owner, which is what a clone's folder is called.</summary>
    public string FolderName => Repository[(Repository.IndexOf('/', StringComparison.Ordinal) + 1)..];

    /// <summary>Number of weights.</summary>
    public long Parameters => CheckpointLayout.Parameters(Dimensions);

    /// <summary>Bytes of its tensors; the download has a few megabytes of other files as well.</summary>
    public long Bytes => Parameters * (Type == DType.F32 ? 4 : 2);

    /// <summary>A model by short name, by repository, or by the repository's name alone; null if there is none.</summary>
    public static PublishedModel? Find(string name) =>
        All.FirstOrDefault(model => model.Aliases.Append(model.Name).Append(model.Repository).Append(model.FolderName).Contains(name));

    private static PublishedModel OpenAI(string name, DType type) => new(name, $"openai/whisper-{name}", WhisperDimensions.Known[name], type);

    private static PublishedModel Distilled(string name) => new(name, $"distil-whisper/{name}", WhisperDimensions.Known[name], DType.F16);
}
