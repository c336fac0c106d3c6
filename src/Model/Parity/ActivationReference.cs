using System.Text.Json;
using Handwritten.Kernels;
using Handwritten.Model.Safetensors;

namespace Handwritten.Model.Parity;

/// <summary>
/// The activations of one forward pass of openai/whisper, to compare a model with. Two forms exist on disk: a folder
/// with every element (<c>activations.safetensors</c>) for a trained checkpoint, and one JSON file of summaries for each
/// model size with synthetic weights.
/// </summary>
public sealed class ActivationReference
{
    private ActivationReference(FullReference logMel, int[] tokens)
    {
        LogMel = logMel.Shape is [_, WhisperAudio.WindowFrames]
            ? logMel
            : throw new InvalidDataException($"the log-mel has the shape [{string.Join(", ", logMel.Shape)}]");
        Tokens = tokens;
        LogitsRows = [.. Enumerable.Range(0, tokens.Length)];
    }

    /// <summary>The encoder's input: [mels, 3000].</summary>
    public FullReference LogMel { get; }

    /// <summary>The tokens that were fed to the decoder at once.</summary>
    public int[] Tokens { get; }

    /// <summary>The rows whose logits are kept.</summary>
    public int[] LogitsRows
    {
        get;
        private init => field = Array.TrueForAll(value, row => row >= 0 && row < Tokens.Length)
            ? value
            : throw new InvalidDataException($"it keeps logits of other rows than its {Tokens.Length} tokens");
    }

    /// <summary>The activations by name.</summary>
    public IReadOnlyDictionary<string, ReferenceTensor> Activations { get; private init; } = new Dictionary<string, ReferenceTensor>();

    /// <summary>Cross-attention heads (layer, head) whose weights are kept, in the order of <see cref="AlignmentWeights"/>.</summary>
    public IReadOnlyList<(int Layer, int Head)> AlignmentHeads { get; private init; } = [];

    /// <summary>Their weights, [tokens, 1500] each.</summary>
    public IReadOnlyList<FullReference> AlignmentWeights { get; private init; } = [];

    /// <summary>Opens a folder that holds every element.</summary>
    /// <exception cref="ModelException">The file is not there, or holds something else.</exception>
    public static ActivationReference OpenFolder(string folder) => Read(Path.Combine(folder, "activations.safetensors"), path =>
    {
        using SafetensorsFile file = new(path);
        Dictionary<string, FullReference> tensors = file.Names
            .Where(name => file.Describe(name).Type == DType.F32)
            .ToDictionary(name => name, name => ReadFloats(file, name));

        int[] heads = ReadIntegers(file, "alignment_heads");
        FullReference weights = tensors["alignment_head_weights"];
        int headSize = weights.Shape[1] * weights.Shape[2];
        return new ActivationReference(tensors["log_mel"], ReadIntegers(file, "tokens"))
        {
            LogitsRows = ReadIntegers(file, "decoder.logits_rows"),
            Activations = tensors
                .Where(pair => pair.Key is not ("log_mel" or "alignment_head_weights"))
                .ToDictionary(pair => pair.Key, pair => (ReferenceTensor)pair.Value),
            AlignmentHeads = [.. heads.Chunk(2).Select(pair => (pair[0], pair[1]))],
            AlignmentWeights = [.. Enumerable.Range(0, heads.Length / 2).Select(i =>
                new FullReference(weights.Shape[1..], [.. weights.Values.Slice(i * headSize, headSize)]))],
        };
    });

    /// <summary>Opens the summaries of one model size.</summary>
    /// <param name="path">The JSON file; the log-mel it names lies in the folder beside its own.</param>
    /// <exception cref="ModelException">A file is not there, or holds something else.</exception>
    public static ActivationReference OpenSummaries(string path) => Read(path, path =>
    {
        using JsonDocument document = JsonDocument.Parse(File.ReadAllBytes(path));
        JsonElement input = document.RootElement.GetProperty("input");

        // "frontend/jfk.safetensors: log_mel_80"
        string[] source = input.GetProperty("log_mel").GetString()!.Split(": ");
        string melPath = Path.Combine(Path.GetDirectoryName(Path.GetFullPath(path))!, "..", source[0]);
        using SafetensorsFile melFile = new(melPath);
        return new ActivationReference(ReadFloats(melFile, source[1]), [.. input.GetProperty("tokens").EnumerateArray().Select(token => token.GetInt32())])
        {
            Activations = document.RootElement.GetProperty("activations").EnumerateObject()
                .ToDictionary(entry => entry.Name, entry => (ReferenceTensor)new SummaryReference(entry.Value)),
        };
    });

    /// <summary>Whatever is wrong with a file that nobody but a developer ever writes is one and the same mistake.</summary>
    private static ActivationReference Read(string path, Func<string, ActivationReference> read)
    {
        try
        {
            return read(path);
        }
        catch (Exception exception) when (exception is FileNotFoundException or DirectoryNotFoundException)
        {
            throw new ModelException($"There is no reference '{path}': give the folder with the activations of the original.", exception);
        }
        catch (Exception exception) when (exception is not (ModelException or OutOfMemoryException))
        {
            throw new ModelException($"'{path}' is no reference of activations ({exception.Message.ReplaceLineEndings(" ").TrimEnd('.')}): copy it again from the repository.", exception);
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
