using System.Text.Json;
using Handwritten.Kernels;
using Handwritten.Model.Safetensors;

namespace Handwritten.Model.Parity;

/// <summary>
/// The activations of one forward pass of openai/whisper, to compare a model with. Two forms exist on disk: a folder
/// with every element (<c>activations.safetensors</c> and <c>activations.json</c>) for a trained checkpoint, and one
/// JSON file of summaries for each model size with synthetic weights.
/// </summary>
public sealed class ActivationReference
{
    private ActivationReference(float[] logMel, int melBins, int[] tokens)
    {
        LogMel = new FullReference([melBins, WhisperAudio.WindowFrames], logMel);
        Tokens = tokens;
        LogitsRows = [.. Enumerable.Range(0, tokens.Length)];
    }

    /// <summary>The encoder's input: [mels, 3000].</summary>
    public FullReference LogMel { get; }

    /// <summary>The tokens that were fed to the decoder at once.</summary>
    public int[] Tokens { get; }

    /// <summary>The rows whose logits are kept.</summary>
    public int[] LogitsRows { get; private init; }

    /// <summary>The activations by name.</summary>
    public IReadOnlyDictionary<string, ReferenceTensor> Activations { get; private init; } = new Dictionary<string, ReferenceTensor>();

    /// <summary>Cross-attention heads (layer, head) whose weights are kept, in the order of <see cref="AlignmentWeights"/>.</summary>
    public IReadOnlyList<(int Layer, int Head)> AlignmentHeads { get; private init; } = [];

    /// <summary>Their weights, [tokens, 1500] each.</summary>
    public IReadOnlyList<FullReference> AlignmentWeights { get; private init; } = [];

    /// <summary>The recording that <see cref="LogMel"/> was computed from; null if unknown.</summary>
    public string? Clip { get; private init; }

    /// <summary>Opens a folder that holds every element.</summary>
    /// <exception cref="ModelException">The folder lacks a file, or a file cannot be read.</exception>
    public static ActivationReference OpenFolder(string folder)
    {
        using JsonDocument index = ReadJson(Path.Combine(folder, "activations.json"));
        using SafetensorsFile file = new(Path.Combine(folder, "activations.safetensors"));
        Dictionary<string, FullReference> tensors = file.Names
            .Where(name => file.Describe(name).Type == DType.F32)
            .ToDictionary(name => name, name => ReadFloats(file, name));

        int[] heads = ReadIntegers(file, "alignment_heads");
        FullReference weights = tensors["alignment_head_weights"];
        int headSize = weights.Shape[1] * weights.Shape[2];
        FullReference logMel = tensors["log_mel"];
        return new ActivationReference([.. logMel.Values], logMel.Shape[0], ReadIntegers(file, "tokens"))
        {
            Clip = index.RootElement.GetProperty("clip").GetString(),
            LogitsRows = ReadIntegers(file, "decoder.logits_rows"),
            Activations = tensors
                .Where(pair => pair.Key is not ("log_mel" or "alignment_head_weights"))
                .ToDictionary(pair => pair.Key, pair => (ReferenceTensor)pair.Value),
            AlignmentHeads = [.. heads.Chunk(2).Select(pair => (pair[0], pair[1]))],
            AlignmentWeights = [.. Enumerable.Range(0, heads.Length / 2).Select(i =>
                new FullReference(weights.Shape[1..], [.. weights.Values.Slice(i * headSize, headSize)]))],
        };
    }

    /// <summary>Opens the summaries of one model size.</summary>
    /// <param name="path">The JSON file; the log-mel it names lies in the folder beside its own.</param>
    /// <exception cref="ModelException">A file cannot be read.</exception>
    public static ActivationReference OpenSummaries(string path)
    {
        using JsonDocument document = ReadJson(path);
        JsonElement input = document.RootElement.GetProperty("input");

        // "frontend/jfk.safetensors: log_mel_80"
        string[] source = input.GetProperty("log_mel").GetString()!.Split(": ");
        string melPath = Path.Combine(Path.GetDirectoryName(Path.GetFullPath(path))!, "..", source[0]);
        using SafetensorsFile melFile = new(melPath);
        FullReference logMel = ReadFloats(melFile, source[1]);
        return new ActivationReference([.. logMel.Values], logMel.Shape[0], [.. input.GetProperty("tokens").EnumerateArray().Select(token => token.GetInt32())])
        {
            Activations = document.RootElement.GetProperty("activations").EnumerateObject()
                .ToDictionary(entry => entry.Name, entry => (ReferenceTensor)new SummaryReference(entry.Value)),
        };
    }

    private static JsonDocument ReadJson(string path)
    {
        try
        {
            return JsonDocument.Parse(File.ReadAllBytes(path));
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException or JsonException)
        {
            throw new ModelException($"{path}: the reference activations cannot be read: {exception.Message.Split('\n')[0]}", exception);
        }
    }

    private static FullReference ReadFloats(SafetensorsFile file, string name)
    {
        using HostTensor tensor = file.Open(name);
        float[] values = new float[tensor.ElementCount];
        Buffer.BlockCopy(tensor.Bytes.ToArray(), 0, values, 0, checked((int)tensor.ByteCount));
        return new FullReference(tensor.Shape, values);
    }

    private static int[] ReadIntegers(SafetensorsFile file, string name)
    {
        using HostTensor tensor = file.Open(name);
        return [.. System.Runtime.InteropServices.MemoryMarshal.Cast<byte, long>(tensor.Bytes).ToArray().Select(value => (int)value)];
    }
}
