using System.Text.Json;
using Handwritten.Kernels;
using Handwritten.Model;
using Handwritten.Model.Safetensors;
using Handwritten.Model.Synthetic;
using Handwritten.Tests;
using Xunit;

namespace Handwritten.Cli.Tests;

/// <summary>A model that knows only English, with made-up weights: what is said when another language is asked of it.</summary>
public sealed class EnglishModelTests : IDisposable
{
    private static readonly WhisperDimensions Smallest = new(
        MelBins: 80, AudioContext: 1500, Width: 64, AudioHeads: 1, AudioLayers: 1, AudioFeedForward: 64,
        Vocabulary: 51864, TextContext: 448, TextHeads: 1, TextLayers: 1, TextFeedForward: 64);

    private readonly Sandbox _sandbox = new();

    public EnglishModelTests()
    {
        _sandbox.Write("smallest.en/config.json", JsonSerializer.Serialize(new
        {
            model_type = "whisper",
            d_model = Smallest.Width,
            encoder_layers = Smallest.AudioLayers,
            encoder_attention_heads = Smallest.AudioHeads,
            encoder_ffn_dim = Smallest.AudioFeedForward,
            decoder_layers = Smallest.TextLayers,
            decoder_attention_heads = Smallest.TextHeads,
            decoder_ffn_dim = Smallest.TextFeedForward,
            vocab_size = Smallest.Vocabulary,
            eos_token_id = 50256,
            decoder_start_token_id = 50257,
        }));
        foreach (string file in Directory.GetFiles(TestData.Path("tokenizer", "english")))
        {
            File.Copy(file, _sandbox["smallest.en", Path.GetFileName(file)]);
        }

        using SyntheticWeights weights = new(Smallest, DType.F16);
        SafetensorsWriter.Write(_sandbox["smallest.en", "model.safetensors"], weights.Names.Select(weights.Describe), weights.Open);
    }

    public void Dispose() => _sandbox.Dispose();

    [Theory]
    [InlineData("German", "smallest.en knows only English: German is taken for English.")]
    [InlineData("English", null)]
    [InlineData(null, null)]
    public void Transcribing_takes_every_language_for_English(string? language, string? said)
    {
        string[] choice = language is null ? [] : ["--language", language];
        Outcome outcome = _sandbox.Handwritten(["transcribe", TestData.Path("audio", "01-en.wav"), "--model", "smallest.en", "-f", "json", .. choice]);
        Assert.Equal(0, outcome.ExitCode);
        Assert.Equal(said is null ? [] : [said], outcome.ErrorLines[..^2]);
        Assert.Contains("smallest.en on CPU", outcome.ErrorLines[^2], StringComparison.Ordinal);
        Assert.Equal("en", JsonDocument.Parse(File.ReadAllText(_sandbox["01-en.json"])).RootElement.GetProperty("language").GetString());
    }

    [Fact]
    public void There_is_nothing_to_translate() =>
        _sandbox.Handwritten("transcribe", TestData.Path("audio", "01-en.wav"), "--model", "smallest.en", "--task", "translate")
            .Is(ExitCode.WrongUsage, "The model 'smallest.en' knows only English, so there is nothing to translate");

    [Fact]
    public void There_is_no_language_to_detect() =>
        _sandbox.Handwritten("detect-language", TestData.Path("audio", "01-en.wav"), "--model", "smallest.en").Is(ExitCode.WrongUsage, "'smallest.en' knows only English");
}
