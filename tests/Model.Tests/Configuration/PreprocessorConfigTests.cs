using Handwritten.Model.Configuration;
using Handwritten.Tests;
using Xunit;

namespace Handwritten.Model.Tests.Configuration;

public class PreprocessorConfigTests
{
    private static string DemoFile => File.ReadAllText(TestData.Weights("whisper-nano", "preprocessor_config.json"));

    [Fact]
    public void The_demo_model_is_read()
    {
        string folder = TestData.Weights("whisper-nano");
        PreprocessorConfig front = PreprocessorConfig.Load(folder, WhisperConfig.Load(folder));
        Assert.Equal((80, 16000, 160, 400, 30), (front.MelBins, front.SampleRate, front.HopLength, front.FftSize, front.ChunkSeconds));
        Assert.Equal((480000, 3000), (front.ChunkSamples, front.ChunkFrames));
    }

    [Theory]
    [InlineData(80)]
    [InlineData(128)]
    public void Without_the_file_the_front_end_delivers_what_the_encoder_takes(int melBins)
    {
        using TemporaryModel folder = TemporaryModel.WithConfig(config => config["num_mel_bins"] = melBins);
        Assert.Equal(melBins, folder.Preprocessor().MelBins);

        // Early folders write the filters out; later ones write less and less.
        folder.Write("preprocessor_config.json", $$"""{ "feature_size": {{melBins}}, "mel_filters": [[0.0, 0.02486259490251541], [1e-3, 0]], "dither": 0.0 }""");
        Assert.Equal(melBins, folder.Preprocessor().MelBins);
        folder.Write("preprocessor_config.json", "{}");
        Assert.Equal(melBins, folder.Preprocessor().MelBins);
    }

    [Fact]
    public void The_section_of_the_new_processor_file_is_read()
    {
        using TemporaryModel folder = TemporaryModel.WithConfig();
        folder.Write("processor_config.json", $$"""{ "processor_class": "WhisperProcessor", "feature_extractor": {{DemoFile}} }""");
        Assert.Equal(80, folder.Preprocessor().MelBins);

        folder.Write("processor_config.json", """{ "feature_extractor": { "feature_size": 128 } }""");
        Sentence.Check("section", Assert.Throws<ModelException>(folder.Preprocessor), "processor_config.json (feature_extractor)", "\"feature_size\" is 128");

        folder.Write("preprocessor_config.json", DemoFile);
        Assert.Equal(80, folder.Preprocessor().MelBins);
    }

    [Theory]
    [InlineData("""{ "feature_size": 128 }""", "\"feature_size\" is 128, but \"num_mel_bins\" in config.json is 80")]
    [InlineData("""{ "feature_size": "80" }""", "\"feature_size\" must be a whole number")]
    [InlineData("""{ "sampling_rate": 8000 }""", "\"sampling_rate\" is 8000, but the front end only does 16000")]
    [InlineData("""{ "hop_length": 320 }""", "\"hop_length\" is 320")]
    [InlineData("""{ "n_fft": 512 }""", "\"n_fft\" is 512")]
    [InlineData("""{ "chunk_length": 300 }""", "\"chunk_length\" is 300")]
    [InlineData("""{ "n_samples": 240000 }""", "\"n_samples\" is 240000")]
    [InlineData("""{ "nb_max_frames": 1500 }""", "\"nb_max_frames\" is 1500")]
    [InlineData("""{ "padding_value": -1.5 }""", "\"padding_value\" is -1.5")]
    [InlineData("""{ "dither": 0.1 }""", "\"dither\" is 0.1")]
    [InlineData("""{ "padding_side": "left" }""", "\"padding_side\" is \"left\"")]
    [InlineData("""{ "feature_extractor_type": "Wav2Vec2FeatureExtractor" }""", "\"feature_extractor_type\" is \"Wav2Vec2FeatureExtractor\"")]
    [InlineData("""{ "sampling_rate": "16 kHz" }""", "\"sampling_rate\" must be a number")]
    [InlineData("""{ "padding_side": 1 }""", "\"padding_side\" must be a text")]
    [InlineData("{ 80 }", "is not valid JSON")]
    [InlineData("[]", "must hold a JSON object")]
    public void What_the_front_end_cannot_do_is_named(string content, string named)
    {
        using TemporaryModel folder = TemporaryModel.WithConfig();
        folder.Write("preprocessor_config.json", content);
        Sentence.Check(content, Assert.Throws<ModelException>(folder.Preprocessor), folder.Locate("preprocessor_config.json"), named);
    }

    [Fact]
    public void An_encoder_for_another_window_is_refused()
    {
        using TemporaryModel folder = TemporaryModel.WithConfig(config => config["max_source_positions"] = 750);
        Sentence.Check("window", Assert.Throws<ModelException>(folder.Preprocessor), folder.Locate("config.json"), "\"max_source_positions\" is 750");
    }
}
