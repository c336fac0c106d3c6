using System.Text.Json;
using Handwritten.Tests;
using Xunit;

namespace Handwritten.Cli.Tests;

/// <summary>Downloading models with the real program, from a hub on this machine.</summary>
public sealed class PullTests : IDisposable
{
    private readonly Sandbox _sandbox = new();

    private readonly SmallHub _hub = new("openai/whisper-tiny", Directory.GetFiles(TestData.Weights("whisper-nano")).ToDictionary(file => Path.GetFileName(file), File.ReadAllBytes));

    private (string, string?)[] Environment => [("HF_ENDPOINT", _hub.Address), ("HF_HOME", _sandbox["hf"]), ("HF_HUB_CACHE", null), ("HF_TOKEN", null)];

    public void Dispose()
    {
        _hub.Dispose();
        _sandbox.Dispose();
    }

    [Theory]
    [InlineData("tiny")]
    [InlineData("openai/whisper-tiny")]
    public void A_model_that_was_pulled_transcribes(string name)
    {
        string[] transcribe = ["transcribe", "--model", name, "--quiet", TestData.Path("audio", "01-en.wav")];
        Handwritten(transcribe).Is(ExitCode.UnusableModel, $"The model '{name}' is not on this machine: get it with 'handwritten pull openai/whisper-tiny'");

        Outcome pulled = Handwritten("pull", name);
        Assert.Equal(0, pulled.ExitCode);
        Assert.Equal(_sandbox["hf", "hub", "models--openai--whisper-tiny", "snapshots", SmallHub.Commit], Assert.Single(pulled.OutputLines));
        Assert.Matches(@"^openai/whisper-tiny at 01234567: 10 files, 19\.\d MB$", Assert.Single(pulled.ErrorLines));

        Outcome heard = Handwritten(transcribe);
        Assert.Equal(new Outcome(0, "[00:00.000 --> 00:02.200]  Please play rock music in the garage.\n", ""), heard);
    }

    [Fact]
    public void A_folder_gets_the_model_too()
    {
        Outcome pulled = Handwritten("pull", "tiny", "--local-dir", "weights/mine", "--revision", "refs/pr/1", "--token", "hf_1", "--quiet");
        Assert.Equal(new Outcome(0, $"{_sandbox["weights/mine"]}\n", ""), pulled with { Output = pulled.Output.ReplaceLineEndings("\n") });
        Assert.All(_hub.Requests, request => Assert.Equal("Bearer hf_1", request.Headers["Authorization"]));
        Assert.Equal((0, ""), (Handwritten("detect-language", "--model", "mine", TestData.Path("audio", "01-en.wav")).ExitCode, Handwritten("inspect", "mine").Error));
    }

    [Fact]
    public void Models_are_listed()
    {
        Handwritten("pull", "tiny", "--quiet");
        Outcome outcome = Handwritten("models");
        Assert.Equal((0, ""), (outcome.ExitCode, outcome.Error));
        Assert.Matches(@"(?m)^ +whisper-nano +19 MB .*weights.whisper-nano", outcome.Output);
        Assert.Matches(@"(?m)^ +openai/whisper-tiny +19 MB .*models--openai--whisper-tiny", outcome.Output);
        Assert.Matches(@"(?m)^ +tiny +38 M +151 MB +openai/whisper-tiny +here", outcome.Output);
        Assert.Matches(@"(?m)^ +large-v3, large +1,543 M +3,087 MB +openai/whisper-large-v3 +$", outcome.Output);

        JsonElement json = JsonDocument.Parse(Handwritten("models", "--json").Output).RootElement;
        Assert.Equal(["whisper-nano", "openai/whisper-tiny"], json.GetProperty("here").EnumerateArray().Select(model => model.GetProperty("name").GetString()));
        Assert.Equal(["tiny"], json.GetProperty("published").EnumerateArray().Where(model => model.GetProperty("isHere").GetBoolean()).Select(model => model.GetProperty("name").GetString()));
    }

    [Fact]
    public void What_the_hub_refuses_is_a_sentence_and_an_exit_code()
    {
        Handwritten("pull", "openai/whisper-large-v3").Is(ExitCode.FailedDownload, "127.0.0.1", "'openai/whisper-large-v3'");
        _hub.Instead = _ => new WebAnswer(401, []);
        Handwritten("pull", "tiny").Is(ExitCode.FailedDownload, "give --token (or HF_TOKEN) if it is a private one");
        Assert.False(Path.Exists(_sandbox["hf"]));
    }

    [Fact]
    public void A_model_that_is_here_is_pulled_without_the_hub_and_others_are_not()
    {
        string folder = Handwritten("pull", "tiny", "--quiet").Output;
        _hub.Dispose();
        Outcome again = Handwritten("pull", "tiny");
        Assert.Equal((0, folder), (again.ExitCode, again.Output));
        Assert.StartsWith("openai/whisper-tiny is here already, and whether there is a newer one cannot be found out: 127.0.0.1 cannot be reached", Assert.Single(again.ErrorLines), StringComparison.Ordinal);
        File.Delete(Path.Combine(folder.Trim(), "model.safetensors"));
        Handwritten("pull", "tiny", "--quiet").Is(ExitCode.FailedDownload, "127.0.0.1 cannot be reached");
    }

    [Fact]
    public void A_model_that_is_here_is_pulled_behind_a_page_to_log_in()
    {
        string folder = Handwritten("pull", "tiny", "--quiet").Output;
        _hub.Instead = _ => new WebAnswer(200, "<html>Please log in to the hotel's network.</html>"u8.ToArray());
        Assert.Equal(new Outcome(0, folder, ""), Handwritten("pull", "tiny", "--quiet"));
    }

    [LinuxFact]
    public void What_may_not_be_read_holds_no_models()
    {
        Handwritten("pull", "tiny", "--quiet");
        // Nothing is forbidden to root unless it gives these rights up.
        string modest = System.Environment.IsPrivilegedProcess ? "setpriv --bounding-set=-dac_override,-dac_read_search " : "";
        Outcome Modest(string command) => _sandbox.InShell($"mkdir -p weights; chmod 000 weights hf/hub; {modest}\"$DOTNET\" \"$PROGRAM\" {command}; code=$?; chmod 755 weights hf/hub; exit $code", Environment);

        Outcome models = Modest("models");
        Assert.Equal((0, ""), (models.ExitCode, models.Error));
        Assert.Contains("whisper-nano", models.Output, StringComparison.Ordinal);
        Assert.DoesNotContain("models--openai", models.Output, StringComparison.Ordinal);
        Modest("inspect tinny").Is(ExitCode.UnusableModel, "There is no model 'tinny'");
    }

    [Theory]
    [InlineData("hf_1\nhf_2", "Bearer hf_1hf_2")]
    [InlineData(" hf_1\r\n", "Bearer hf_1")]
    [InlineData("\n", null)]
    public void A_token_of_the_environment_has_no_line_breaks(string token, string? header)
    {
        Assert.Equal(0, _sandbox.Handwritten([.. Environment, ("HF_TOKEN", token)], "pull", "tiny", "--quiet").ExitCode);
        Assert.All(_hub.Requests, request => Assert.Equal(header, request.Headers.GetValueOrDefault("Authorization")));
    }

    [Theory]
    [InlineData("hf 1")]
    [InlineData("hf_\u0001")]
    [InlineData("hf_ä")]
    public void What_is_no_token_is_told_and_not_shown(string token)
    {
        Outcome outcome = _sandbox.Handwritten([.. Environment, ("HF_TOKEN", token)], "pull", "tiny");
        outcome.Is(ExitCode.FailedDownload, "HF_TOKEN must be a token such as hf_..., without blanks.");
        Assert.DoesNotContain(token, outcome.Error, StringComparison.Ordinal);
        Assert.Empty(_hub.Requests);
    }

    [Fact]
    public void A_hub_that_refuses_a_model_is_believed_though_the_model_is_here()
    {
        Handwritten("pull", "tiny", "--quiet");
        _hub.Instead = _ => new WebAnswer(404, []);
        Handwritten("pull", "tiny", "--quiet").Is(ExitCode.FailedDownload, "has no model 'openai/whisper-tiny'");
    }

    [Fact]
    public void A_damaged_file_leaves_no_model()
    {
        byte[] damaged = [.. _hub.Files["model.safetensors"]];
        damaged[1_000_000] ^= 1;
        _hub.Storage = (request, _) => WebAnswer.File(request, damaged);
        Handwritten("pull", "tiny", "--quiet").Is(ExitCode.FailedDownload, "'model.safetensors' arrived damaged, as its SHA-256 tells");
        Handwritten("transcribe", "--model", "tiny", TestData.Path("audio", "01-en.wav")).Is(ExitCode.UnusableModel, "is not on this machine");
    }

    [Fact]
    public void A_place_that_takes_no_files_is_a_sentence_and_an_exit_code()
    {
        _sandbox.Write("file", "");
        Handwritten("pull", "tiny", "--quiet", "--local-dir", "file").Is(ExitCode.UnwritableOutput, "The model cannot be stored in");
    }

    [Theory]
    [InlineData("pull", "Required argument 'MODEL' missing for command: 'pull'.")]
    [InlineData("pull tinny", "MODEL must be owner/name, or the name of a published model, but it is 'tinny'. Did you mean 'tiny'?")]
    [InlineData("pull ../../etc", "but it is '../../etc'.")]
    [InlineData("pull a/b/c", "but it is 'a/b/c'.")]
    [InlineData("pull tiny --revision ../../../x", "--revision must be a branch, a tag or a commit, but it is '../../../x'.")]
    public void A_wrong_command_line_is_answered_with_a_sentence(string commandLine, string sentence) =>
        Handwritten(commandLine.Split(' ')).Is(ExitCode.WrongUsage, sentence);

    [Fact]
    public void An_endpoint_that_is_none_is_told() =>
        _sandbox.Handwritten([("HF_ENDPOINT", "huggingface.co")], "pull", "tiny").Is(ExitCode.FailedDownload, "HF_ENDPOINT must be an address such as https://huggingface.co, but it is 'huggingface.co'.");

    private Outcome Handwritten(params string[] arguments)
    {
        Outcome outcome = _sandbox.Handwritten(Environment, arguments);
        return outcome with { Output = outcome.Output.ReplaceLineEndings("\n") };
    }
}
