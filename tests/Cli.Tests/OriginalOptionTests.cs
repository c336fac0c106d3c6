using Handwritten.Tests;
using Xunit;

namespace Handwritten.Cli.Tests;

/// <summary>What people type who know openai/whisper's command or faster-whisper's library.</summary>
public sealed class OriginalOptionTests : IDisposable
{
    /// <summary>Every option of the whisper command, release 20250625, transcribe.py, cli().</summary>
    private static readonly (string Name, string Value)[] Whisper =
    [
        ("--model", "nano"), ("--model_dir", "."), ("--device", "cpu"), ("--output_dir", "out"), ("--output_format", "all"), ("--verbose", "False"),
        ("--task", "transcribe"), ("--language", "English"), ("--temperature", "0"), ("--best_of", "5"), ("--beam_size", "5"), ("--patience", "1.0"),
        ("--length_penalty", "1.0"), ("--suppress_tokens", "-1"), ("--initial_prompt", "Music."), ("--carry_initial_prompt", "False"),
        ("--condition_on_previous_text", "True"), ("--fp16", "False"), ("--temperature_increment_on_fallback", "0.2"),
        ("--compression_ratio_threshold", "2.4"), ("--logprob_threshold", "-1.0"), ("--no_speech_threshold", "0.6"), ("--word_timestamps", "True"),
        ("--prepend_punctuations", "\"'“¿([{-"), ("--append_punctuations", "\"'.。,，!！?？:：”)]}、"), ("--highlight_words", "True"), ("--max_line_width", "42"),
        ("--max_line_count", "2"), ("--max_words_per_line", "5"), ("--threads", "0"), ("--clip_timestamps", "0"), ("--hallucination_silence_threshold", "2"),
    ];

    /// <summary>
    /// The arguments of faster-whisper 1.2.1, transcribe.py, WhisperModel and its transcribe(), BatchedInferencePipeline.transcribe(),
    /// and vad.py, VadOptions, as far as they are not the above; the README says what stands for those that are missing.
    /// </summary>
    private static readonly (string Name, string Value)[] FasterWhisper =
    [
        ("--compute_type", "default"), ("--cpu_threads", "2"), ("--download_root", "."), ("--repetition_penalty", "1"), ("--no_repeat_ngram_size", "0"),
        ("--log_prob_threshold", "-1.0"), ("--prompt_reset_on_temperature", "0.5"), ("--prefix", "Please"), ("--suppress_blank", "True"),
        ("--without_timestamps", "False"), ("--max_initial_timestamp", "1.0"), ("--multilingual", "False"), ("--max_new_tokens", "100"), ("--hotwords", "Rock"),
        ("--language_detection_threshold", "0.5"), ("--language_detection_segments", "1"), ("--batch_size", "8"), ("--vad_filter", "True"),
        ("--vad_threshold", "0.5"), ("--vad_neg_threshold", "0.35"), ("--vad_min_speech_duration_ms", "0"), ("--vad_max_speech_duration_s", "30"),
        ("--vad_min_silence_duration_ms", "160"), ("--vad_speech_pad_ms", "400"),
    ];

    private static readonly string Recording = TestData.Path("audio", "01-en.wav");

    private readonly Sandbox _sandbox = new();

    public void Dispose() => _sandbox.Dispose();

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Every_option_of_the_original_command_is_known_in_both_spellings(bool withDashes)
    {
        Outcome outcome = _sandbox.Handwritten(["transcribe", Recording, .. Spell(Whisper, withDashes)]);
        Assert.Equal((0, ""), (outcome.ExitCode, outcome.Output));
        Assert.StartsWith("--max-words-per-line changes nothing beside --max-line-width", outcome.ErrorLines[0], StringComparison.Ordinal);
        Assert.Equal(["json", "srt", "tsv", "txt", "vtt"], Directory.GetFiles(_sandbox["out"]).Select(file => Path.GetExtension(file)[1..]).Order());
        Assert.Equal("Please play rock music in the garage.\n", File.ReadAllText(_sandbox["out", "01-en.txt"]));
        Assert.Contains("<u>rock</u>", File.ReadAllText(_sandbox["out", "01-en.srt"]), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Every_argument_of_faster_whisper_is_an_option(bool withDashes)
    {
        Outcome outcome = _sandbox.Handwritten(["transcribe", Recording, "--language", "en", "--quiet", .. Spell(FasterWhisper, withDashes)]);
        Assert.Equal((0, ""), (outcome.ExitCode, outcome.Error));
        Assert.EndsWith(" music in the garage.", outcome.OutputLines.Single(), StringComparison.Ordinal);
    }

    [LinuxFact]
    public void An_alias_serves_scripts_and_what_they_set_again_counts()
    {
        Outcome outcome = _sandbox.InShell($"""
            shopt -s expand_aliases
            alias whisper='"$DOTNET" "$PROGRAM" transcribe'
            whisper '{Recording}' --verbose False && whisper '{Recording}' --output_format=srt -o sub --beam_size 7 --beam-size None --quiet --verbose True --verbose --quiet
            """);
        Assert.Equal(0, outcome.ExitCode);
        Assert.Equal(["01-en.json", "01-en.srt", "01-en.tsv", "01-en.txt", "01-en.vtt"], Directory.GetFiles(_sandbox.Folder).Select(Path.GetFileName).Order());
        Assert.Equal(["01-en.srt"], Directory.GetFiles(_sandbox["sub"]).Select(Path.GetFileName));
        Assert.Equal(["Detected language: English", "[00:00.000 --> 00:02.200]  Please play rock music in the garage."], outcome.OutputLines);
    }

    [Theory]
    [InlineData("--lang en --initial_prompt= --fp16 0 --condition_on_previous_text 0 --temp 0 --output_f none")]
    [InlineData("--initial_prompt= --language=en -otwo -o one --output_format srt -fnone --vad_filter=False")]
    public void Values_and_names_are_read_as_argparse_reads_them(string options)
    {
        Outcome outcome = _sandbox.Handwritten(["transcribe", .. options.Split(' '), "--quiet", Recording]);
        Assert.Equal(new Outcome(0, "[00:00.000 --> 00:02.200]  Please play rock music in the garage.\n", ""), outcome with { Output = outcome.Output.ReplaceLineEndings("\n") });
        Assert.Empty(Directory.GetFileSystemEntries(_sandbox.Folder));
    }

    [LinuxFact]
    public void Standard_output_that_is_closed_is_told() =>
        _sandbox.InShell($"\"$DOTNET\" \"$PROGRAM\" transcribe --quiet -f none '{Recording}' >&-").Is(ExitCode.UnwritableOutput, "Standard output cannot be written: it is closed");

    [Theory]
    [InlineData("float16", "float16")]
    [InlineData("bfloat16", "bfloat16")]
    [InlineData("float32", null)]
    [InlineData("auto", null)]
    [InlineData("default", null)]
    public void On_a_CPU_every_type_without_int8_is_float32_and_one_line_says_so(string type, string? named)
    {
        Outcome outcome = _sandbox.Handwritten("transcribe", Recording, "--language", "en", "--device", "cpu", "--compute_type", type, "--output_format", "none");
        Assert.Equal(0, outcome.ExitCode);
        Assert.EndsWith("Please play rock music in the garage.", outcome.OutputLines.Single(), StringComparison.Ordinal);
        Assert.Equal(named is null ? [] : [$"handwritten: {named} is for GPUs: the CPU computes in float32, with weights as they are stored."], Warnings(outcome));
    }

    [Theory]
    [InlineData("int8", null)]
    [InlineData("int8_float32", null)]
    [InlineData("int8_float16", "int8_float16")]
    [InlineData("int8_bfloat16", "int8_bfloat16")]
    public void On_a_CPU_weights_may_be_in_int8(string type, string? named)
    {
        Outcome outcome = _sandbox.Handwritten("transcribe", Recording, "--language", "en", "--device", "cpu", "--compute_type", type, "--output_format", "none");
        Assert.Equal(0, outcome.ExitCode);
        Assert.EndsWith("Please play rock music in the garage.", outcome.OutputLines.Single(), StringComparison.Ordinal);
        Assert.Equal(named is null ? [] : [$"handwritten: {named} is for GPUs: the CPU computes in float32, with weights in int8."], Warnings(outcome));
    }

    [Fact]
    public void Who_wants_quiet_is_not_warned() =>
        Assert.Empty(_sandbox.Handwritten("transcribe", Recording, "--language", "en", "--device", "cpu", "--compute_type", "float16", "--quiet").Error);

    [Theory]
    [InlineData("--compute_type int16", "--compute-type must be auto, default, float16, bfloat16, float32, int8, int8_float16, int8_bfloat16 or int8_float32, but it is 'int16'.")]
    [InlineData("--compute_type float61", "int8_bfloat16 or int8_float32, but it is 'float61'. Did you mean 'float16'?")]
    [InlineData("--compute_type float16 --fp16 False", "--fp16 says in which type to compute, and so does --compute-type: give only one of them.")]
    public void Types_that_there_are_not_are_told(string options, string sentence) =>
        _sandbox.Handwritten(["transcribe", Recording, .. options.Split(' ')]).Is(ExitCode.WrongUsage, sentence);

    [Theory]
    [InlineData("--clip_timestamps", "50", "A clip begins at 50 s, but the recording ends at 2.")]
    [InlineData("--initial_prompt", "<|en|>", "--initial-prompt: The text has the special token <|en|> in it")]
    [InlineData("--hotwords", "<|en|>", "--hotwords: The text has the special token <|en|> in it")]
    [InlineData("--prefix", "<|endoftext|>", "--prefix: The text has the special token <|endoftext|> in it")]
    [InlineData("--max_new_tokens", "448", "max_new_tokens must be at most 445, but it is 448.")]
    [InlineData("--suppress_tokens", "999999", "suppress_tokens names the token 999999, but this model has the tokens 0 to 51864.")]
    public void What_makes_no_sense_for_a_recording_or_model_names_the_option(string option, string value, string sentence) =>
        _sandbox.Handwritten("transcribe", Recording, "--language", "en", option, value).Is(ExitCode.WrongUsage, sentence);

    [Theory]
    [InlineData("--best_of 5 --temperature 0 --temperature_increment_on_fallback None", null)]
    [InlineData("--hallucination_silence_threshold 2", "--hallucination-silence-threshold changes nothing without --word-timestamps: it looks at the words' times.")]
    [InlineData("--no_speech_threshold -1 --logprob_threshold 0.5 --compression_ratio_threshold -1", null)]
    [InlineData("--clip_timestamps 2,1", "--clip-timestamps: a clip from 2 s to 1 s holds nothing.")]
    public void What_the_original_takes_is_taken(string options, string? told)
    {
        Outcome outcome = _sandbox.Handwritten(["transcribe", Recording, "--language", "en", "--output_format", "none", .. options.Split(' ')]);
        Assert.Equal(0, outcome.ExitCode);
        Assert.Equal(told is null ? [] : [told], outcome.ErrorLines[..^1]);
        Assert.Equal(options.Contains("2,1", StringComparison.Ordinal) || options.Contains("no_speech", StringComparison.Ordinal), outcome.Output.Length == 0);
    }

    [Fact]
    public void A_further_place_is_looked_through_for_models_first()
    {
        string copy = _sandbox.CopyModel();
        Directory.CreateDirectory(_sandbox["models"]);
        Directory.Move(copy, _sandbox["models", "whisper-tiny"]);
        string snapshot = _sandbox["cache", "models--someone--fine-tune", "snapshots", "main"];
        Directory.CreateDirectory(Path.GetDirectoryName(snapshot)!);
        Directory.Move(_sandbox.CopyModel(), snapshot);
        Assert.Contains("whisper-tiny on CPU", _sandbox.Handwritten("transcribe", Recording, "--model", "tiny", "--model_dir", "models").Error, StringComparison.Ordinal);
        Assert.Contains("fine-tune on CPU", _sandbox.Handwritten("transcribe", Recording, "--model", "someone/fine-tune", "--download_root", "cache").Error, StringComparison.Ordinal);
        _sandbox.Handwritten("transcribe", Recording, "--model", "base", "--model_dir", "models").Is(ExitCode.UnusableModel, "'base' is not on this machine", "whisper-tiny");
        _sandbox.Handwritten("transcribe", Recording, "--model_dir", "nowhere").Is(ExitCode.UnusableModel, "--model-dir names 'nowhere', which is no folder");
    }

    private static IEnumerable<string> Spell((string Name, string Value)[] options, bool withDashes) =>
        options.SelectMany(option => new[] { withDashes ? option.Name.Replace('_', '-') : option.Name, option.Value });

    private static IEnumerable<string> Warnings(Outcome outcome) => outcome.ErrorLines.Where(line => line.StartsWith("handwritten: ", StringComparison.Ordinal));
}
