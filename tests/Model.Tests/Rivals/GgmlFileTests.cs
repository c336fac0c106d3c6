using System.Text;
using Handwritten.Kernels;
using Handwritten.Model.Configuration;
using Handwritten.Model.Safetensors;
using Handwritten.Model.Tokenization;
using Handwritten.Rivals;
using Handwritten.Tests;
using Xunit;

namespace Handwritten.Model.Tests.Rivals;

/// <summary>The file that whisper.cpp is measured with, read as whisper.cpp reads it.</summary>
public sealed class GgmlFileTests : IDisposable
{
    private readonly string _path = Path.GetTempFileName();

    public void Dispose() => File.Delete(_path);

    [Fact]
    public void The_demo_models_file_holds_its_sizes_tokens_and_weights_to_the_last_byte()
    {
        string folder = TestData.Weights("whisper-nano");
        WhisperConfig config = WhisperConfig.Load(folder);
        WhisperTokenizer tokenizer = WhisperTokenizer.Load(folder, config, GenerationConfig.Load(folder, config));
        using SafetensorsFolder weights = new(folder);
        GgmlFile.Write(_path, config.Dimensions, weights, tokenizer);

        using BinaryReader reader = new(File.OpenRead(_path));
        Assert.Equal([0x67676d6c, 51865, 1500, 128, 2, 4, 448, 128, 2, 4, 80, 1], Integers(reader, 12));
        Assert.Equal([80, 201], Integers(reader, 2));
        Assert.Equal(MelFilters.Create(80), Enumerable.Range(0, 80 * 201).Select(_ => reader.ReadSingle()));
        string[] tokens = [.. Enumerable.Range(0, reader.ReadInt32()).Select(_ => Encoding.Latin1.GetString(reader.ReadBytes(reader.ReadInt32())))];
        Assert.Equal((50257, "!", " the"), (tokens.Length, tokens[0], tokens[tokenizer.EncodeOrdinary(" the")[0]]));

        Dictionary<string, (string Shape, int Type, byte[] Bytes)> tensors = [];
        while (reader.BaseStream.Position < reader.BaseStream.Length)
        {
            int[] head = Integers(reader, 3);
            int[] shape = [.. Integers(reader, head[0]).Reverse()];
            string name = Encoding.ASCII.GetString(reader.ReadBytes(head[1]));
            tensors.Add(name, (string.Join('x', shape), head[2], reader.ReadBytes(shape.Aggregate(1, (product, size) => product * size) * (head[2] == 1 ? 2 : 4))));
        }

        Assert.Equal(weights.Names.Count, tensors.Count);
        Assert.Equal(("128x1", 0), (tensors["encoder.conv1.bias"].Shape, tensors["encoder.conv1.bias"].Type));
        Assert.Equal(("128x80x3", 1), (tensors["encoder.conv1.weight"].Shape, tensors["encoder.conv1.weight"].Type));
        Assert.Equal(("448x128", 0), (tensors["decoder.positional_embedding"].Shape, tensors["decoder.positional_embedding"].Type));
        using HostTensor key = weights.Open("model.decoder.layers.3.encoder_attn.k_proj.weight");
        Assert.Equal(key.Bytes, tensors["decoder.blocks.3.cross_attn.key.weight"].Bytes);
        using HostTensor norm = weights.Open("model.encoder.layer_norm.bias");
        Assert.Equal((float)BitConverter.ToHalf(norm.Bytes), BitConverter.ToSingle(tensors["encoder.ln_post.bias"].Bytes));
    }

    [Theory]
    [InlineData("model.encoder.layers.0.self_attn.q_proj.bias", "encoder.blocks.0.attn.query.bias")]
    [InlineData("model.encoder.layers.0.self_attn_layer_norm.weight", "encoder.blocks.0.attn_ln.weight")]
    [InlineData("model.decoder.layers.1.encoder_attn.out_proj.weight", "decoder.blocks.1.cross_attn.out.weight")]
    [InlineData("model.decoder.layers.1.encoder_attn_layer_norm.bias", "decoder.blocks.1.cross_attn_ln.bias")]
    [InlineData("model.decoder.layers.12.fc1.weight", "decoder.blocks.12.mlp.0.weight")]
    [InlineData("model.decoder.layers.12.final_layer_norm.weight", "decoder.blocks.12.mlp_ln.weight")]
    [InlineData("model.decoder.layer_norm.weight", "decoder.ln.weight")]
    [InlineData("model.decoder.embed_tokens.weight", "decoder.token_embedding.weight")]
    [InlineData("model.encoder.embed_positions.weight", "encoder.positional_embedding")]
    public void A_tensor_has_the_name_that_the_original_gives_it(string published, string original) => Assert.Equal(original, GgmlFile.NameOf(published));

    private static int[] Integers(BinaryReader reader, int count) => [.. Enumerable.Range(0, count).Select(_ => reader.ReadInt32())];
}
