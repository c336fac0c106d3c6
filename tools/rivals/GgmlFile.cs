using System.Runtime.InteropServices;
using Handwritten.Kernels;
using Handwritten.Model;
using Handwritten.Model.Tokenization;

namespace Handwritten.Rivals;

// The one file that whisper.cpp reads a model from. All integers have 32 bits, little-endian.
//
//     magic  sizes x 11  │ bands  201  filters ...  │ tokens  (length  bytes) ...  │ tensor  tensor  ...
//                        │       float32            │ of the byte-pair encoding    │    │
//                        │                          │ the rest it knows by itself  │    └─ dimensions  name's length  type
//                                                                                      sizes, innermost first  name  numbers
//
// Source: whisper.cpp, models/convert-h5-to-ggml.py and whisper_model_load in src/whisper.cpp.

/// <summary>Writes a model as whisper.cpp wants it: matrices in float16, all else in float32.</summary>
internal sealed class GgmlFile : IDisposable
{
    private const int Magic = 0x67676d6c, Float32 = 0, Float16 = 1;

    /// <summary>Hugging Face's names in openai/whisper's terms; the first that fits counts.</summary>
    private static readonly (string Published, string Original)[] Names =
    [
        ("encoder.layer_norm.", "encoder.ln_post."),
        ("decoder.layer_norm.", "decoder.ln."),
        (".embed_positions.weight", ".positional_embedding"),
        (".embed_tokens.", ".token_embedding."),
        (".self_attn_layer_norm.", ".attn_ln."),
        (".encoder_attn_layer_norm.", ".cross_attn_ln."),
        (".final_layer_norm.", ".mlp_ln."),
        (".self_attn.", ".attn."),
        (".encoder_attn.", ".cross_attn."),
        (".fc1.", ".mlp.0."),
        (".fc2.", ".mlp.2."),
    ];

    private static readonly (string Published, string Original)[] Projections = [(".q_proj.", ".query."), (".k_proj.", ".key."), (".v_proj.", ".value."), (".out_proj.", ".out.")];

    private readonly BinaryWriter _writer;

    private GgmlFile(string path) => _writer = new BinaryWriter(File.Create(path));

    /// <summary>Writes a file.</summary>
    /// <param name="path">Where to.</param>
    /// <param name="dimensions">The model's size.</param>
    /// <param name="weights">Its weights, by the names of Hugging Face.</param>
    /// <param name="tokenizer">Its tokens.</param>
    public static void Write(string path, WhisperDimensions dimensions, ITensorSource weights, WhisperTokenizer tokenizer)
    {
        using GgmlFile file = new(path);
        file.WriteSizes(dimensions);
        file.WriteFilters(dimensions.MelBins);
        file.WriteTokens(tokenizer);
        foreach (string name in weights.Names.Where(name => name.StartsWith("model.", StringComparison.Ordinal)))
        {
            using HostTensor tensor = weights.Open(name);
            file.WriteTensor(NameOf(name), tensor);
        }
    }

    /// <summary>A tensor's name in the original.</summary>
    public static string NameOf(string published)
    {
        string name = published["model.".Length..].Replace(".layers.", ".blocks.", StringComparison.Ordinal);
        name = Replace(name, Names);
        return Replace(name, Projections);

        static string Replace(string name, (string Published, string Original)[] table) =>
            table.FirstOrDefault(row => name.Contains(row.Published, StringComparison.Ordinal)) is { Published: not null } row
                ? name.Replace(row.Published, row.Original, StringComparison.Ordinal)
                : name;
    }

    public void Dispose() => _writer.Dispose();

    private void WriteSizes(WhisperDimensions dimensions)
    {
        Write(
            Magic, dimensions.Vocabulary, dimensions.AudioContext, dimensions.Width, dimensions.AudioHeads, dimensions.AudioLayers,
            dimensions.TextContext, dimensions.Width, dimensions.TextHeads, dimensions.TextLayers, dimensions.MelBins, Float16);
    }

    private void WriteFilters(int bands)
    {
        Write(bands, WhisperAudio.FourierBins);
        _writer.Write(MemoryMarshal.AsBytes<float>(MelFilters.Create(bands)));
    }

    private void WriteTokens(WhisperTokenizer tokenizer)
    {
        int count = tokenizer.Special.EndOfText;
        Write(count);
        for (int token = 0; token < count; token++)
        {
            ReadOnlySpan<byte> bytes = tokenizer.Bytes(token);
            Write(bytes.Length);
            _writer.Write(bytes);
        }
    }

    private void WriteTensor(string name, HostTensor tensor)
    {
        // A bias of a convolution is added to [channels, frames].
        int[] shape = name is "encoder.conv1.bias" or "encoder.conv2.bias" ? [tensor.Shape[0], 1] : tensor.Shape;
        bool isMatrix = tensor.Shape.Length > 1 && !name.EndsWith(".positional_embedding", StringComparison.Ordinal);
        byte[] bytes = System.Text.Encoding.ASCII.GetBytes(name);
        Write(shape.Length, bytes.Length, isMatrix ? Float16 : Float32);
        Write([.. shape.Reverse()]);
        _writer.Write(bytes);
        ReadOnlySpan<Half> halves = tensor.Type == DType.F16
            ? MemoryMarshal.Cast<byte, Half>(tensor.Bytes)
            : throw new ModelException($"{tensor.Name} is {tensor.Type}, but whisper.cpp is given weights in F16.");
        if (isMatrix)
        {
            _writer.Write(tensor.Bytes);
            return;
        }

        foreach (Half value in halves)
        {
            _writer.Write((float)value);
        }
    }

    private void Write(params ReadOnlySpan<int> numbers) => _writer.Write(MemoryMarshal.AsBytes(numbers));
}
