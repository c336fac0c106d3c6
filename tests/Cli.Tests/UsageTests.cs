using Xunit;

namespace Handwritten.Cli.Tests;

/// <summary>Command lines that make no sense, and what is said about them.</summary>
public sealed class UsageTests : IDisposable
{
    private readonly Sandbox _sandbox = new();

    public void Dispose() => _sandbox.Dispose();

    [Theory]
    [InlineData("transcrib", "There is no command 'transcrib'. Did you mean 'transcribe'? See 'handwritten --help'.")]
    [InlineData("--versoin", "There is no option '--versoin'. Did you mean '--version'? See 'handwritten --help'.")]
    [InlineData("[diagram]", "There is no command '[diagram]'.")]
    [InlineData("transcribe", "Required argument 'AUDIO' missing for command: 'transcribe'. See 'handwritten transcribe --help'.")]
    [InlineData("transcribe --model nano", "Required argument 'AUDIO' missing")]
    [InlineData("transcribe --langauge en a.wav", "There is no option '--langauge'. Did you mean '--language'?")]
    [InlineData("transcribe a.wav --langauge", "There is no option '--langauge'. Did you mean '--language'?")]
    [InlineData("transcribe -x a.wav", "There is no option '-x'. See")]
    [InlineData("transcribe --language", "Required argument missing for option: '--language'.")]
    [InlineData("transcribe --language englisch a.wav", "--language must be a code such as 'en' or a name such as 'English', but it is 'englisch'. Did you mean 'english'?")]
    [InlineData("transcribe --language xx a.wav", "but it is 'xx'. See")]
    [InlineData("transcribe --language jp a.wav", "but it is 'jp'. Did you mean 'japanese'? See")]
    [InlineData("transcribe --language ger a.wav", "but it is 'ger'. Did you mean 'german'? See")]
    [InlineData("transcribe --language pt-BR a.wav", "but it is 'pt-BR'. Did you mean 'pt'? See")]
    [InlineData("transcribe --output_format srt,doc a.wav", "but it is 'doc'.")]
    [InlineData("transcribe a.wav --vad_filter no", "--vad-filter must be True or False, but it is 'no'.")]
    [InlineData("transcribe a.wav --word_timestamps=yes", "--word-timestamps must be True or False, but it is 'yes'.")]
    [InlineData("transcribe --temp_ 5 a.wav", "There is no option '--temp-'.")]
    [InlineData("transcribe --suppress -1 a.wav", "'--suppress' may be --suppress-blank or --suppress-tokens: write more of it. See")]
    [InlineData("transcribe --model= --quiet", "Required argument 'AUDIO' missing")]
    [InlineData("transcribe --task transcript a.wav", "--task must be transcribe or translate, but it is 'transcript'. Did you mean 'transcribe'?")]
    [InlineData("transcribe --threads 1025 a.wav", "--threads must be a whole number from 0 to 1024 or None, but it is '1025'.")]
    [InlineData("transcribe --threads -1 a.wav", "--threads must be a whole number from 0 to 1024 or None, but it is '-1'.")]
    [InlineData("transcribe --threads two a.wav", "--threads must be a whole number from 0 to 1024 or None, but it is 'two'.")]
    [InlineData("transcribe --device gpu a.wav", "--device must be auto, cpu, cuda, cuda:N (the GPU's number, from 0) or emulated, but it is 'gpu'.")]
    [InlineData("transcribe --output_format doc a.wav", "--output-format must be txt, vtt, srt, tsv, json, lrc, csv, html, md, all or none, but it is 'doc'.")]
    [InlineData("transcribe --beam_size 0 a.wav", "--beam-size must be a whole number from 1 to 100 or None, but it is '0'.")]
    [InlineData("transcribe --beam_size 1000000000000 a.wav", "--beam-size must be a whole number from 1 to 100 or None, but it is '1000000000000'.")]
    [InlineData("transcribe --best_of five a.wav", "--best-of must be a whole number from 1 to 100 or None, but it is 'five'.")]
    [InlineData("transcribe --temperature -0.1 a.wav", "--temperature must be a number from 0 to 100 or None, but it is '-0.1'.")]
    [InlineData("transcribe --temperature nan a.wav", "--temperature must be a number from 0 to 100 or None, but it is 'nan'.")]
    [InlineData("transcribe --temperature_increment_on_fallback 0 a.wav", "--temperature-increment-on-fallback must be a number from 0.01 to 100 or None, but it is '0'.")]
    [InlineData("transcribe --length_penalty 1.5 a.wav", "--length-penalty must be a number from 0 to 1 or None, but it is '1.5'.")]
    [InlineData("transcribe --patience -1 a.wav", "--patience must be a number from 0 to 1000 or None, but it is '-1'.")]
    [InlineData("transcribe --suppress_tokens 1,x a.wav", "--suppress-tokens must be token ids (-1 or more) with commas between them, but 'x' is not.")]
    [InlineData("transcribe --clip_timestamps 1,-2 a.wav", "--clip-timestamps must be seconds from 0 on with commas between them, but '-2' is not.")]
    [InlineData("transcribe --clip_timestamps 1e300 a.wav", "--clip-timestamps must be seconds from 0 on with commas between them, but '1e300' is not.")]
    [InlineData("transcribe --max_new_tokens 449 a.wav", "--max-new-tokens must be a whole number from 1 to 448 or None, but it is '449'.")]
    [InlineData("transcribe --seed one a.wav", "'one'")]
    [InlineData("bench --batch-size 65", "--batch-size must be a whole number from 1 to 64, but it is '65'.")]
    [InlineData("profile --card h100", "--card must be h200, a100, a10 or t4, but it is 'h100'.")]
    [InlineData("inspect one two", "'handwritten inspect' takes no further argument 'two'.")]
    [InlineData("devices cpu", "'handwritten devices' takes no further argument 'cpu'.")]
    [InlineData("detect-language", "Required argument 'AUDIO' missing")]
    public void A_wrong_command_line_is_answered_with_a_sentence(string commandLine, string sentence) =>
        _sandbox.Handwritten(commandLine.Split(' ')).Is(ExitCode.WrongUsage, sentence, "--help'.");

    [Theory]
    [InlineData("transcribe --patience 2 --beam-size None a.wav", "--patience says how long a beam search goes on, but --beam-size is None: give a number of beams, or leave --patience out.")]
    [InlineData("transcribe --without-timestamps --max-initial-timestamp 2 a.wav", "--max-initial-timestamp is about timestamps, but --without-timestamps forbids them: give only one of them.")]
    [InlineData("transcribe --multilingual --language de a.wav", "--multilingual detects each window's language, and --language gives one for all: give only one of them.")]
    [InlineData("transcribe a.wav --highlight_words True", "--highlight-words needs the words' times: give --word-timestamps as well.")]
    [InlineData("transcribe a.wav --max_line_width 42", "--max-line-width needs the words' times")]
    [InlineData("bench --shape tinny", "--shape must be the name of a published model, but it is 'tinny'. Did you mean 'tiny'?")]
    [InlineData("bench --type f32", "--type is for made-up weights: give --shape with it, or leave it out.")]
    [InlineData("parity --shape tiny --model whisper-nano", "--shape makes a model up and --model names one: give only one of them.")]
    [InlineData("bench --tokens 5", "--tokens is for a recording: give --audio-seconds with it, or leave it out.")]
    [InlineData("bench --compare mkl", "--compare knows openblas, but not 'mkl'.")]
    public void Options_that_make_no_sense_together_are_answered_with_a_sentence(string commandLine, string sentence) =>
        _sandbox.Handwritten(commandLine.Split(' ')).Is(ExitCode.WrongUsage, sentence);

    [Theory]
    [InlineData("transcribe")]
    [InlineData("subtitle")]
    [InlineData("search said")]
    [InlineData("inspect")]
    public void A_name_without_a_letter_is_answered_with_a_sentence(string command) =>
        _sandbox.Handwritten([.. command.Split(' '), ""]).Is(ExitCode.WrongUsage, $"An argument of 'handwritten {command.Split(' ')[0]}' is empty. See 'handwritten");

    [Fact]
    public void Two_recordings_must_not_share_their_files() =>
        _sandbox.Handwritten("transcribe", "-f", "srt", "--output-name", "{name}", "x/a.wav", "y/a.mp3").Is(ExitCode.WrongUsage, "'x/a.wav' and 'y/a.mp3' would both be written to 'a.srt'");

    [Fact]
    public void Nothing_at_all_shows_the_help()
    {
        Outcome outcome = _sandbox.Handwritten();
        Assert.Equal(((int)ExitCode.WrongUsage, ""), (outcome.ExitCode, outcome.Error));
        Assert.Contains("transcribe", outcome.Output, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("--help", "detect-language")]
    [InlineData("transcribe --help", "--output-format <txt|vtt|srt|tsv|json|lrc|csv|html|md|all|none>")]
    [InlineData("detect-language -h", "--json")]
    [InlineData("inspect -?", "whisper-nano")]
    [InlineData("transcribe --nonsense --help", "--initial-prompt")]
    public void Help_is_always_given(string commandLine, string content)
    {
        Outcome outcome = _sandbox.Handwritten(commandLine.Split(' '));
        Assert.Equal((0, ""), (outcome.ExitCode, outcome.Error));
        Assert.Contains(content, outcome.Output, StringComparison.Ordinal);
    }

    [Fact]
    public void The_version_is_a_number()
    {
        Outcome outcome = _sandbox.Handwritten("--version");
        Assert.Equal(0, outcome.ExitCode);
        Assert.Matches(@"^\d+\.\d+\.\d+", outcome.Output);
    }

    [Fact]
    public void Behind_two_dashes_everything_is_a_recording() =>
        _sandbox.Handwritten("transcribe", "--", "--language").Is(ExitCode.UnreadableAudio, "'--language' does not exist");

    [Fact]
    public void A_recording_may_begin_with_an_at_sign() =>
        _sandbox.Handwritten("transcribe", "@home.wav").Is(ExitCode.UnreadableAudio, "'@home.wav' does not exist");

    [Fact]
    public void Only_debugging_shows_where_a_failure_comes_from()
    {
        Outcome outcome = _sandbox.Handwritten([("HANDWRITTEN_DEBUG", "1")], "transcribe", "missing.wav");
        Assert.Equal((int)ExitCode.UnreadableAudio, outcome.ExitCode);
        Assert.Contains("AudioException", outcome.Error, StringComparison.Ordinal);
    }
}
