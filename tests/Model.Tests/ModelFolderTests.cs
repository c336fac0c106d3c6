using Handwritten.Tests;
using Xunit;

namespace Handwritten.Model.Tests;

public class ModelFolderTests
{
    private static readonly string[] Weights = [TestData.Weights()];

    private static readonly HubCache NoCache = new(Path.Combine(Path.GetTempPath(), "no such cache"));

    [Theory]
    [InlineData("whisper-nano")]
    [InlineData("nano")]
    public void A_name_below_weights_is_found(string name) =>
        Assert.Equal(TestData.Weights("whisper-nano"), ModelFolder.Resolve(name, Weights, NoCache));

    [Fact]
    public void The_default_model_is_found_from_the_program() =>
        Assert.Equal("whisper-nano", Path.GetFileName(ModelFolder.Resolve(ModelFolder.Default)));

    [Fact]
    public void A_folder_is_taken_as_it_is() =>
        Assert.Equal(Path.GetTempPath(), ModelFolder.Resolve(Path.GetTempPath(), Weights, NoCache));

    [Fact]
    public void A_folder_of_transcripts_hides_no_model()
    {
        string name = $"model-{Guid.NewGuid():N}";
        DirectoryInfo weights = Directory.CreateTempSubdirectory("handwritten-weights-"), transcripts = Directory.CreateDirectory(name);
        try
        {
            // A folder that can be no other model is meant, and who opens it says what it lacks.
            Assert.Equal(name, ModelFolder.Resolve(name, [weights.FullName], NoCache));
            string model = weights.CreateSubdirectory($"whisper-{name}").FullName;
            Assert.Equal(model, ModelFolder.Resolve(name, [weights.FullName], NoCache));
            Assert.Equal($"./{name}", ModelFolder.Resolve($"./{name}", [weights.FullName], NoCache));
            Assert.Equal($"{name}/", ModelFolder.Resolve($"{name}/", [weights.FullName], NoCache));
            File.WriteAllText(Path.Combine(name, "config.json"), "{}");
            Assert.Equal(name, ModelFolder.Resolve(name, [weights.FullName], NoCache));
        }
        finally
        {
            transcripts.Delete(recursive: true);
            weights.Delete(recursive: true);
        }
    }

    [Fact]
    public void A_folder_of_transcripts_is_not_the_published_model_of_that_name()
    {
        // In the working directory, where other tests ask for other names.
        DirectoryInfo transcripts = Directory.CreateDirectory("distil-large-v2");
        try
        {
            ModelException exception = Assert.Throws<ModelException>(() => ModelFolder.Resolve("distil-large-v2", Weights, NoCache));
            Assert.Contains("'handwritten pull distil-whisper/distil-large-v2'", exception.Message, StringComparison.Ordinal);
        }
        finally
        {
            transcripts.Delete();
        }
    }

    [Fact]
    public void A_file_in_a_model_is_no_model()
    {
        ModelException exception = Assert.Throws<ModelException>(() => ModelFolder.Resolve(TestData.Weights("whisper-nano", "config.json"), Weights, NoCache));
        Assert.Contains("is a file", exception.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("whisper-huge")]
    [InlineData("")]
    [InlineData("/no/such/folder")]
    public void An_unknown_name_is_answered_with_the_known_ones(string name)
    {
        ModelException exception = Assert.Throws<ModelException>(() => ModelFolder.Resolve(name, Weights, NoCache));
        Assert.Contains("whisper-nano", exception.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("tiny", "openai/whisper-tiny")]
    [InlineData("large", "openai/whisper-large-v3")]
    [InlineData("turbo", "openai/whisper-large-v3-turbo")]
    [InlineData("someone/whisper-fine", "someone/whisper-fine")]
    public void A_published_model_that_is_not_here_is_answered_with_how_to_get_it(string name, string repository)
    {
        ModelException exception = Assert.Throws<ModelException>(() => ModelFolder.Resolve(name, Weights, NoCache));
        Assert.StartsWith($"The model '{name}' is not on this machine: get it with 'handwritten pull {repository}'", exception.Message, StringComparison.Ordinal);
        Assert.Contains("whisper-nano", exception.Message, StringComparison.Ordinal);
    }
}
