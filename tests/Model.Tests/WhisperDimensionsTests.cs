using System.Text.Json;
using Handwritten.Model.Synthetic;
using Handwritten.Tests;
using Xunit;

namespace Handwritten.Model.Tests;

public class WhisperDimensionsTests
{
    public static TheoryData<string> ReferenceModels =>
        [.. Directory.GetFiles(TestData.Path("reference", "shapes"), "*.json").Select(path => Path.GetFileNameWithoutExtension(path)!)];

    [Theory]
    [MemberData(nameof(ReferenceModels))]
    public void Known_models_have_the_dimensions_of_the_original(string model)
    {
        using JsonDocument reference = JsonDocument.Parse(File.ReadAllBytes(TestData.Path("reference", "shapes", model + ".json")));
        JsonElement config = reference.RootElement.GetProperty("config");
        int Read(string name) => config.GetProperty(name).GetInt32();
        WhisperDimensions expected = new(
            Read("n_mels"), Read("n_audio_ctx"), Read("n_audio_state"), Read("n_audio_head"), Read("n_audio_layer"), 4 * Read("n_audio_state"),
            Read("n_vocab"), Read("n_text_ctx"), Read("n_text_head"), Read("n_text_layer"), 4 * Read("n_text_state"));
        Assert.Equal(expected, WhisperDimensions.Known[model]);
    }

    // Parameters as published: openai/whisper's table and the distil-whisper model cards, in millions, rounded there.
    [Theory]
    [InlineData("tiny", 39)]
    [InlineData("base", 74)]
    [InlineData("small", 244)]
    [InlineData("medium", 769)]
    [InlineData("large", 1550)]
    [InlineData("turbo", 809)]
    [InlineData("distil-small.en", 166)]
    [InlineData("distil-medium.en", 394)]
    [InlineData("distil-large-v2", 756)]
    [InlineData("distil-large-v3", 756)]
    public void Known_models_have_as_many_parameters_as_published(string model, double millions)
    {
        using SyntheticWeights weights = new(WhisperDimensions.Known[model]);
        double actual = weights.Names.Sum(name => weights.Describe(name).ElementCount) / 1e6;
        Assert.InRange(actual, millions * 0.96, millions * 1.01);
    }

    [Theory]
    [InlineData("turbo", "large-v3-turbo")]
    [InlineData("large", "large-v1")]
    public void Aliases_are_the_same_size(string alias, string model) =>
        Assert.Equal(WhisperDimensions.Known[model], WhisperDimensions.Known[alias]);
}
