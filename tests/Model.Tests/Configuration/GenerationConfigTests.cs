using Handwritten.Model.Configuration;
using Handwritten.Tests;
using Xunit;

namespace Handwritten.Model.Tests.Configuration;

public class GenerationConfigTests
{
    [Fact]
    public void The_demo_model_is_read()
    {
        string folder = TestData.Weights("whisper-nano");
        GenerationConfig generation = GenerationConfig.Load(folder, WhisperConfig.Load(folder));
        Assert.True(generation.IsMultilingual);
        Assert.Equal([new AlignmentHead(1, 0), new AlignmentHead(2, 0)], generation.AlignmentHeads);
        Assert.Equal(99, generation.LanguageIds.Count);
        Assert.Equal(50261, generation.LanguageIds["<|de|>"]);
        Assert.Equal([("transcribe", 50359), ("translate", 50358)], generation.TaskIds.Select(task => (task.Key, task.Value)));
        Assert.Equal((50363, 50361), (generation.NoTimestamps, generation.StartOfPrevious));
        Assert.Equal(50, generation.MaxInitialTimestampIndex);
        Assert.Equal(88, generation.SuppressTokens.Count);
        Assert.Equal([220, 50257], generation.BeginSuppressTokens);
        Assert.Empty(generation.ForcedDecoderIds);
        Assert.False(generation.ReturnTimestamps);
        Assert.Equal(448, generation.MaxLength);
    }

    [Theory]
    [InlineData(51864, false)]
    [InlineData(51865, true)]
    [InlineData(51866, true)]
    public void Without_the_file_config_json_and_openai_whispers_defaults_count(int vocabulary, bool multilingual)
    {
        using TemporaryModel folder = TemporaryModel.WithConfig(config => config["vocab_size"] = vocabulary);
        CheckFallback(folder, multilingual);

        // A file that says nothing is like none.
        folder.Write("generation_config.json", """{ "alignment_heads": null, "suppress_tokens": null, "lang_to_id": null, "_from_model_config": true }""");
        CheckFallback(folder, multilingual);
    }

    [Fact]
    public void Without_any_lists_nothing_is_suppressed()
    {
        using TemporaryModel folder = TemporaryModel.WithConfig(config =>
        {
            config.Remove("suppress_tokens");
            config.Remove("begin_suppress_tokens");
            config.Remove("max_length");
        });
        GenerationConfig generation = folder.Generation();
        Assert.Empty(generation.SuppressTokens);
        Assert.Empty(generation.BeginSuppressTokens);
        Assert.Equal(448, generation.MaxLength);
    }

    [Fact]
    public void The_file_comes_before_config_json()
    {
        using TemporaryModel folder = TemporaryModel.WithConfig();
        folder.Write("generation_config.json", """
            {
              "is_multilingual": false,
              "suppress_tokens": [],
              "begin_suppress_tokens": [220],
              "max_length": 225,
              "max_initial_timestamp_index": 0,
              "return_timestamps": true,
              "forced_decoder_ids": [[1, null], [2, 50359], [3, 50363]]
            }
            """);
        GenerationConfig generation = folder.Generation();
        Assert.False(generation.IsMultilingual);
        Assert.Empty(generation.SuppressTokens);
        Assert.Equal([220], generation.BeginSuppressTokens);
        Assert.Equal(225, generation.MaxLength);
        Assert.Equal(0, generation.MaxInitialTimestampIndex);
        Assert.True(generation.ReturnTimestamps);
        Assert.Equal([new ForcedToken(1, null), new ForcedToken(2, 50359), new ForcedToken(3, 50363)], generation.ForcedDecoderIds);
    }

    [Theory]
    [InlineData("[[31, 0], [4, 1]]")]
    [InlineData("[[1, 0], [1, 2]]")]
    [InlineData("[[-1, 0]]")]
    [InlineData("[]")]
    public void Alignment_heads_of_another_model_count_as_none(string heads)
    {
        using TemporaryModel folder = TemporaryModel.WithConfig();
        folder.Write("generation_config.json", $$"""{ "alignment_heads": {{heads}} }""");
        Assert.Equal([new(2, 0), new(2, 1), new(3, 0), new AlignmentHead(3, 1)], folder.Generation().AlignmentHeads);
    }

    [Fact]
    public void A_decoder_of_an_odd_number_of_layers_aligns_by_the_larger_half()
    {
        using TemporaryModel folder = TemporaryModel.WithConfig(config => config["decoder_layers"] = 1);
        Assert.Equal([new(0, 0), new AlignmentHead(0, 1)], folder.Generation().AlignmentHeads);
    }

    [Theory]
    [InlineData("""{ "is_multilingual": "yes" }""", "\"is_multilingual\" must be true or false")]
    [InlineData("""{ "alignment_heads": 3 }""", "\"alignment_heads\" must be a list")]
    [InlineData("""{ "alignment_heads": [3] }""", "must be a list of pairs, but one of its items is 3")]
    [InlineData("""{ "alignment_heads": [[1, 2, 3]] }""", "list of pairs")]
    [InlineData("""{ "alignment_heads": [["a", 0]] }""", "\"alignment_heads\" must be a whole number, but it is \"a\"")]
    [InlineData("""{ "lang_to_id": [] }""", "\"lang_to_id\" must be an object")]
    [InlineData("""{ "lang_to_id": { "<|en|>": "50259" } }""", "\"<|en|>\" must be a whole number")]
    [InlineData("""{ "lang_to_id": { "<|en|>": 51865 } }""", "\"<|en|>\" has the token id 51865")]
    [InlineData("""{ "task_to_id": { "translate": null } }""", "\"translate\"")]
    [InlineData("""{ "no_timestamps_token_id": 60000 }""", "\"no_timestamps_token_id\" has the token id 60000")]
    [InlineData("""{ "prev_sot_token_id": -5 }""", "\"prev_sot_token_id\"")]
    [InlineData("""{ "max_initial_timestamp_index": -1 }""", "\"max_initial_timestamp_index\" must not be below zero")]
    [InlineData("""{ "suppress_tokens": [-1] }""", "\"suppress_tokens\" has the token id -1")]
    [InlineData("""{ "begin_suppress_tokens": "220" }""", "\"begin_suppress_tokens\" must be a list")]
    [InlineData("""{ "forced_decoder_ids": [[1, 70000]] }""", "\"forced_decoder_ids\" has the token id 70000")]
    [InlineData("""{ "forced_decoder_ids": [[null, 1]] }""", "\"forced_decoder_ids\" must be a whole number")]
    [InlineData("""{ "return_timestamps": 0 }""", "\"return_timestamps\"")]
    [InlineData("""{ "max_length": -3 }""", "\"max_length\" must be above zero")]
    [InlineData("{ \"max_length\": ", "is not valid JSON from line 1 on")]
    [InlineData("7", "must hold a JSON object, but it holds 7")]
    public void A_bad_field_is_named(string content, string named)
    {
        using TemporaryModel folder = TemporaryModel.WithConfig();
        folder.Write("generation_config.json", content);
        Sentence.Check(content, Assert.Throws<ModelException>(folder.Generation), folder.Locate("generation_config.json"), named);
    }

    private static void CheckFallback(TemporaryModel folder, bool multilingual)
    {
        GenerationConfig generation = folder.Generation();
        Assert.Equal(multilingual, generation.IsMultilingual);
        Assert.Equal([new(2, 0), new(2, 1), new(3, 0), new AlignmentHead(3, 1)], generation.AlignmentHeads);
        Assert.Equal(folder.Config().SuppressTokens, generation.SuppressTokens);
        Assert.Equal([220, 50257], generation.BeginSuppressTokens);
        Assert.Equal((50, 448, false), (generation.MaxInitialTimestampIndex, generation.MaxLength, generation.ReturnTimestamps));
        Assert.Equal((null, null), (generation.NoTimestamps, generation.StartOfPrevious));
        Assert.Empty(generation.LanguageIds);
        Assert.Empty(generation.TaskIds);
        Assert.Empty(generation.ForcedDecoderIds);
    }
}
