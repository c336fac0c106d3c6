using System.Text;
using Handwritten.Tests;
using Xunit;

namespace Handwritten.Cli.Tests;

/// <summary>Model folders that cannot be used: one sentence that names the file, exit code 4, and no stack trace.</summary>
public sealed class BadModelTests : IDisposable
{
    private readonly Sandbox _sandbox = new();

    public BadModelTests() => File.Copy(TestData.Path("audio", "01-en.wav"), _sandbox["good.wav"]);

    public void Dispose() => _sandbox.Dispose();

    [Theory]
    [InlineData("config.json")]
    [InlineData("model.safetensors")]
    [InlineData("vocab.json")]
    [InlineData("merges.txt")]
    public void A_missing_file_is_named(string file)
    {
        string model = _sandbox.CopyModel();
        File.Delete(Path.Combine(model, file));
        Transcribe(model).Is(ExitCode.UnusableModel, file);
    }

    [Theory]
    [InlineData("config.json", "\"d_model\": 128", "\"d_model\": 256", "256")] // the weights are 128 wide
    [InlineData("config.json", "\"vocab_size\": 51865", "\"vocab_size\": 51864", "51864")]
    [InlineData("config.json", "\"num_mel_bins\": 80", "\"num_mel_bins\": 128", "128")]
    [InlineData("config.json", "\"encoder_layers\": 4", "\"encoder_layers\": 5", "model.encoder.layers.4.")] // no such tensors
    [InlineData("config.json", "\"decoder_attention_heads\": 2", "\"decoder_attention_heads\": 3", "decoder_attention_heads")]
    [InlineData("config.json", "\"decoder_layers\": 4", "\"decoder_layers\": -4", "decoder_layers")]
    [InlineData("config.json", "\"decoder_layers\": 4", "\"decoder_layers\": \"four\"", "decoder_layers")]
    [InlineData("config.json", "\"decoder_layers\": 4,", "", "decoder_layers")]
    [InlineData("config.json", "\"eos_token_id\": 50257", "\"eos_token_id\": 50256", "50256")] // the tokenizer files say 50257
    [InlineData("config.json", "\"model_type\": \"whisper\"", "\"model_type\": \"wav2vec2\"", "wav2vec2")]
    [InlineData("config.json", "WhisperForConditionalGeneration", "WhisperForAudioClassification", "WhisperForAudioClassification")]
    [InlineData("config.json", "\"activation_function\": \"gelu\"", "\"activation_function\": \"relu\"", "relu")]
    [InlineData("config.json", "{", "", "config.json")] // no JSON
    [InlineData("vocab.json", "{", "[", "vocab.json")]
    [InlineData("generation_config.json", "{", "", "generation_config.json")]
    [InlineData("preprocessor_config.json", "\"feature_size\": 80", "\"feature_size\": 128", "preprocessor_config.json")]
    public void A_wrong_or_contradicting_entry_is_named(string file, string text, string other, string named)
    {
        string model = _sandbox.CopyModel();
        string path = Path.Combine(model, file);
        string content = File.ReadAllText(path);
        int at = content.IndexOf(text, StringComparison.Ordinal);
        Assert.True(at >= 0, $"{file} holds no {text}.");
        File.WriteAllText(path, content[..at] + other + content[(at + text.Length)..]);
        Transcribe(model).Is(ExitCode.UnusableModel, named);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(5)]
    [InlineData(1000)] // within the header
    [InlineData(1_000_000)] // within the tensors
    public void Cut_weights_are_refused(int length)
    {
        string model = _sandbox.CopyModel();
        using (FileStream weights = File.OpenWrite(Path.Combine(model, "model.safetensors")))
        {
            weights.SetLength(length);
        }

        Transcribe(model).Is(ExitCode.UnusableModel, "model.safetensors");
    }

    [Theory]
    [InlineData(0, 0xFF)] // the header's length
    [InlineData(8, (byte)'x')] // the header's first character
    public void Damaged_weights_are_refused(int position, byte value)
    {
        string model = _sandbox.CopyModel();
        using (FileStream weights = File.OpenWrite(Path.Combine(model, "model.safetensors")))
        {
            weights.Position = position;
            weights.WriteByte(value);
        }

        Transcribe(model).Is(ExitCode.UnusableModel, "model.safetensors");
    }

    [Fact]
    public void Weights_that_are_no_numbers_are_refused()
    {
        string model = _sandbox.CopyModel();
        using (FileStream weights = File.OpenWrite(Path.Combine(model, "model.safetensors")))
        {
            byte[] noNumbers = new byte[512];
            Array.Fill(noNumbers, (byte)0xFF);
            weights.Position = weights.Length - noNumbers.Length;
            weights.Write(noNumbers);
        }

        Transcribe(model).Is(ExitCode.UnusableModel, "'model' computes NaN");
    }

    [Fact]
    public void A_tensor_of_another_shape_is_named()
    {
        // Same bytes, other dimensions: the header keeps its length.
        string path = Path.Combine(_sandbox.CopyModel(), "model.safetensors");
        byte[] weights = File.ReadAllBytes(path);
        byte[] shape = Encoding.ASCII.GetBytes("\"shape\":[512,128]"), other = Encoding.ASCII.GetBytes("\"shape\":[128,512]");
        int at = weights.AsSpan().IndexOf(shape);
        Assert.True(at > 0);
        other.CopyTo(weights, at);
        File.WriteAllBytes(path, weights);
        Transcribe(_sandbox["model"]).Is(ExitCode.UnusableModel, "[128, 512]", "[512, 128]");
    }

    [Fact]
    public void A_name_that_is_no_model_is_answered_with_those_there_are() =>
        Transcribe("whisper-huge").Is(ExitCode.UnusableModel, "'whisper-huge'", "whisper-nano");

    [Fact]
    public void An_empty_folder_is_refused() =>
        Transcribe(Directory.CreateDirectory(_sandbox["empty"]).FullName).Is(ExitCode.UnusableModel, "config.json");

    [Fact]
    public void A_file_is_refused() =>
        Transcribe(TestData.Weights("whisper-nano", "model.safetensors")).Is(ExitCode.UnusableModel, "is a file");

    [Fact]
    public void Inspection_refuses_as_transcription_does()
    {
        string model = _sandbox.CopyModel();
        File.Delete(Path.Combine(model, "config.json"));
        _sandbox.Handwritten("inspect", model).Is(ExitCode.UnusableModel, "config.json");
    }

    private Outcome Transcribe(string model) => _sandbox.Handwritten("transcribe", "good.wav", "--model", model);
}
