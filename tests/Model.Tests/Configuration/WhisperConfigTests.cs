using System.Text.Json.Nodes;
using FsCheck;
using FsCheck.Xunit;
using Handwritten.Model.Configuration;
using Handwritten.Tests;
using Xunit;
using TestData = Handwritten.Tests.TestData;

namespace Handwritten.Model.Tests.Configuration;

public class WhisperConfigTests
{
    [Fact]
    public void The_demo_model_is_read()
    {
        WhisperConfig config = WhisperConfig.Load(TestData.Weights("whisper-nano"));
        Assert.Equal(
            new WhisperDimensions(
                MelBins: 80,
                AudioContext: 1500,
                Width: 128,
                AudioHeads: 2,
                AudioLayers: 4,
                AudioFeedForward: 512,
                Vocabulary: 51865,
                TextContext: 448,
                TextHeads: 2,
                TextLayers: 4,
                TextFeedForward: 512),
            config.Dimensions);
        Assert.Equal((50257, 50257, 50257, 50258), (config.EndOfText, config.BeginningOfText, config.Padding, config.DecoderStart));
        Assert.Equal(88, config.SuppressTokens!.Count);
        Assert.Equal([220, 50257], config.BeginSuppressTokens);
        Assert.Equal(448, config.MaxLength);
        Assert.True(config.TieWordEmbeddings);
        Assert.False(config.ScaleEmbedding);
    }

    /// <summary>Width, heads, encoder and decoder layers, mel bins, vocabulary of the published models.</summary>
    [Theory]
    [InlineData(384, 6, 4, 4, 80, 51865)]
    [InlineData(384, 6, 4, 4, 80, 51864)]
    [InlineData(512, 8, 6, 6, 80, 51865)]
    [InlineData(768, 12, 12, 12, 80, 51865)]
    [InlineData(1024, 16, 24, 24, 80, 51864)]
    [InlineData(1280, 20, 32, 32, 80, 51865)]
    [InlineData(1280, 20, 32, 32, 128, 51866)]
    [InlineData(1280, 20, 32, 4, 128, 51866)]
    [InlineData(1280, 20, 32, 2, 128, 51866)]
    public void Every_published_size_is_read(int width, int heads, int audioLayers, int textLayers, int melBins, int vocabulary)
    {
        using TemporaryModel folder = TemporaryModel.WithConfig(config =>
        {
            config["d_model"] = width;
            config["encoder_attention_heads"] = heads;
            config["decoder_attention_heads"] = heads;
            config["encoder_ffn_dim"] = 4 * width;
            config["decoder_ffn_dim"] = 4 * width;
            config["encoder_layers"] = audioLayers;
            config["decoder_layers"] = textLayers;
            config["num_mel_bins"] = melBins;
            config["vocab_size"] = vocabulary;
        });
        Assert.Equal(
            new WhisperDimensions(melBins, 1500, width, heads, audioLayers, 4 * width, vocabulary, 448, heads, textLayers, 4 * width),
            folder.Config().Dimensions);
    }

    /// <summary>Newer transformers leave out what has its default or belongs to generation; null is Python's None.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Fields_with_a_default_may_be_absent_or_null(bool writeNull)
    {
        using TemporaryModel folder = TemporaryModel.WithConfig(config =>
        {
            foreach (string field in (string[])
            [
                "num_mel_bins", "max_source_positions", "max_target_positions", "eos_token_id", "bos_token_id",
                "pad_token_id", "decoder_start_token_id", "suppress_tokens", "begin_suppress_tokens", "max_length",
                "tie_word_embeddings", "scale_embedding", "activation_function", "architectures",
            ])
            {
                config.Remove(field);
                if (writeNull)
                {
                    config[field] = null;
                }
            }
        });
        WhisperConfig config = folder.Config();
        Assert.Equal((80, 1500, 448), (config.Dimensions.MelBins, config.Dimensions.AudioContext, config.Dimensions.TextContext));
        Assert.Equal((null, null, null, null, null), (config.EndOfText, config.BeginningOfText, config.Padding, config.DecoderStart, config.MaxLength));
        Assert.Null(config.SuppressTokens);
        Assert.Null(config.BeginSuppressTokens);
        Assert.True(config.TieWordEmbeddings);
        Assert.False(config.ScaleEmbedding);
    }

    [Fact]
    public void Other_values_than_the_defaults_are_read()
    {
        using TemporaryModel folder = TemporaryModel.WithConfig(config =>
        {
            config["tie_word_embeddings"] = false;
            config["scale_embedding"] = true;
            config["suppress_tokens"] = new JsonArray();
            config["max_length"] = 225;
        });
        WhisperConfig config = folder.Config();
        Assert.False(config.TieWordEmbeddings);
        Assert.True(config.ScaleEmbedding);
        Assert.Empty(config.SuppressTokens!);
        Assert.Equal(225, config.MaxLength);
    }

    [Fact]
    public void A_byte_order_mark_is_no_obstacle()
    {
        using TemporaryModel folder = TemporaryModel.WithConfig();
        File.WriteAllBytes(folder.Locate("config.json"), [0xEF, 0xBB, 0xBF, .. File.ReadAllBytes(folder.Locate("config.json"))]);
        Assert.Equal(128, folder.Config().Dimensions.Width);
    }

    public static TheoryData<string, string> BadFields => new()
    {
        { """{ "model_type": "wav2vec2" }""", "\"model_type\" is \"wav2vec2\", an unknown architecture" },
        { """{ "model_type": null }""", "\"model_type\" is missing" },
        { """{ "model_type": 7 }""", "\"model_type\" must be a text, but it is 7" },
        { """{ "architectures": ["WhisperForAudioClassification"] }""", "WhisperForAudioClassification, an unknown architecture" },
        { """{ "architectures": [] }""", "nothing, an unknown architecture" },
        { """{ "architectures": "WhisperForConditionalGeneration" }""", "\"architectures\" must be a list" },
        { """{ "activation_function": "relu" }""", "\"activation_function\" is \"relu\"" },
        { """{ "activation_function": "gelu_new" }""", "\"gelu_new\"" },
        { """{ "d_model": null }""", "\"d_model\" is missing" },
        { """{ "d_model": 0 }""", "\"d_model\" must be above zero, but it is 0" },
        { """{ "d_model": -128 }""", "but it is -128" },
        { """{ "d_model": 128.5 }""", "\"d_model\" must be a whole number, but it is 128.5" },
        { """{ "d_model": "128" }""", "but it is \"128\"" },
        { """{ "d_model": true }""", "but it is true" },
        { """{ "d_model": [128] }""", "but it is a list" },
        { """{ "d_model": {} }""", "but it is an object" },
        { """{ "d_model": 99999999999 }""", "\"d_model\" must be a whole number" },
        { """{ "d_model": 130, "encoder_attention_heads": 4 }""", "\"encoder_attention_heads\" is 4, which does not divide \"d_model\" 130" },
        { """{ "decoder_attention_heads": 3 }""", "\"decoder_attention_heads\" is 3, which does not divide" },
        { """{ "encoder_attention_heads": 128 }""", "heads of 1 numbers" },
        { """{ "d_model": 1280, "encoder_attention_heads": 20, "decoder_attention_heads": 1 }""", "heads of 1280 numbers" },
        { """{ "encoder_layers": 0 }""", "\"encoder_layers\"" },
        { """{ "decoder_layers": null }""", "\"decoder_layers\" is missing" },
        { """{ "encoder_ffn_dim": -1 }""", "\"encoder_ffn_dim\"" },
        { """{ "decoder_ffn_dim": "x" }""", "\"decoder_ffn_dim\"" },
        { """{ "num_mel_bins": 0 }""", "\"num_mel_bins\"" },
        { """{ "max_source_positions": 0 }""", "\"max_source_positions\"" },
        { """{ "max_target_positions": false }""", "\"max_target_positions\"" },
        { """{ "vocab_size": null }""", "\"vocab_size\" is missing" },
        { """{ "vocab_size": 50257 }""", "has the token id 50257, but the vocabulary has the ids 0 to 50256" },
        { """{ "eos_token_id": 51865 }""", "\"eos_token_id\" has the token id 51865" },
        { """{ "bos_token_id": -1 }""", "\"bos_token_id\"" },
        { """{ "pad_token_id": "none" }""", "\"pad_token_id\" must be a whole number" },
        { """{ "decoder_start_token_id": 1e9 }""", "\"decoder_start_token_id\"" },
        { """{ "suppress_tokens": [1, 60000] }""", "\"suppress_tokens\" has the token id 60000" },
        { """{ "suppress_tokens": 1 }""", "\"suppress_tokens\" must be a list" },
        { """{ "begin_suppress_tokens": [null] }""", "\"begin_suppress_tokens\" must be a whole number, but it is null" },
        { """{ "max_length": 0 }""", "\"max_length\"" },
        { """{ "tie_word_embeddings": "yes" }""", "\"tie_word_embeddings\" must be true or false, but it is \"yes\"" },
        { """{ "scale_embedding": 1 }""", "\"scale_embedding\" must be true or false" },
    };

    [Theory]
    [MemberData(nameof(BadFields))]
    public void A_bad_field_is_named(string fields, string named)
    {
        using TemporaryModel folder = TemporaryModel.WithConfig(config => config.Change(fields));
        Sentence.Check(fields, Assert.Throws<ModelException>(folder.Config), folder.Locate("config.json"), named);
    }

    [Theory]
    [InlineData("", "is not valid JSON from line 1 on")]
    [InlineData("{", "is not valid JSON from line 1 on")]
    [InlineData("{\n\"d_model\": 128,\n\"vocab_size\" 51865 }", "is not valid JSON from line 3 on")]
    [InlineData("{} {}", "is not valid JSON")]
    [InlineData("\0\0\0", "is not valid JSON")]
    [InlineData("version https://git-lfs.github.com/spec/v1", "is not valid JSON")]
    [InlineData("[]", "must hold a JSON object, but it holds a list")]
    [InlineData("null", "but it holds null")]
    [InlineData("{ \"model_type\": \"\\ud83d\" }", "half a surrogate pair")]
    [InlineData("{ \"\\uDE00\": 1 }", "half a surrogate pair")]
    [InlineData("{ \"model_type\": \"\\ud83d\\ude00\" }", "an unknown architecture")]
    [InlineData("\"a text that is much longer than anybody would like to read\"", "...")]
    [InlineData("{}", "\"model_type\" is missing")]
    public void A_damaged_file_is_named(string content, string named)
    {
        using TemporaryModel folder = new();
        folder.Write("config.json", content);
        Sentence.Check(content, Assert.Throws<ModelException>(folder.Config), folder.Locate("config.json"), named);
    }

    /// <summary>Whatever happened to a file: it is read, or there is a sentence.</summary>
    [Property(MaxTest = 300)]
    public void Flipped_bytes_never_surprise(PositiveInt seed)
    {
        Random random = new(seed.Get);
        using TemporaryModel folder = new();
        foreach (string file in (string[])["config.json", "generation_config.json", "preprocessor_config.json"])
        {
            byte[] bytes = File.ReadAllBytes(TestData.Weights("whisper-nano", file));
            for (int flips = random.Next(3); flips > 0; flips--)
            {
                bytes[random.Next(bytes.Length)] = (byte)random.Next(256);
            }

            File.WriteAllBytes(folder.Locate(file), random.Next(20) == 0 ? bytes[..random.Next(bytes.Length)] : bytes);
        }

        try
        {
            folder.Generation();
            folder.Preprocessor();
        }
        catch (ModelException error)
        {
            Assert.Contains(folder.Path, error.Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void Bytes_that_are_no_text_are_named()
    {
        using TemporaryModel folder = new();
        File.WriteAllBytes(folder.Locate("config.json"), [.. "{ \"model_type\": \""u8, 0xC3, .. "\" }"u8]);
        Sentence.Check("bytes", Assert.Throws<ModelException>(folder.Config), folder.Locate("config.json"), "is not valid UTF-8");
    }

    [Fact]
    public void A_missing_file_or_folder_is_named()
    {
        using TemporaryModel folder = new();
        Sentence.Check("no file", Assert.Throws<ModelException>(folder.Config), folder.Path, "has no config.json");
        string nowhere = folder.Locate("nowhere");
        Sentence.Check("no folder", Assert.Throws<ModelException>(() => WhisperConfig.Load(nowhere)), nowhere, "does not exist");
    }
}
