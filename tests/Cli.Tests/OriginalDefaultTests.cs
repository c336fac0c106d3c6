using System.Globalization;
using System.Text.RegularExpressions;
using Handwritten.Tests;
using Xunit;

namespace Handwritten.Cli.Tests;

/// <summary>What holds where a script says nothing: the defaults of openai/whisper's command, as the help shows them.</summary>
public sealed partial class OriginalDefaultTests : IDisposable
{
    /// <summary>Where the README says that they differ, and what they are here.</summary>
    private static readonly Dictionary<string, string> Different = new() { ["--model"] = "whisper-nano", ["--device"] = "auto" };

    /// <summary>Release 20250625, transcribe.py, cli(): every option and its default, as Python writes it.</summary>
    private static readonly (string Name, string Default)[] Options =
    [
        ("--model", "turbo"),
        ("--model_dir", "None"),
        ("--device", "cuda or cpu"), // "cuda" if torch.cuda.is_available() else "cpu"
        ("--output_dir", "."),
        ("--output_format", "all"),
        ("--verbose", "True"),
        ("--task", "transcribe"),
        ("--language", "None"),
        ("--temperature", "0"),
        ("--best_of", "5"),
        ("--beam_size", "5"),
        ("--patience", "None"),
        ("--length_penalty", "None"),
        ("--suppress_tokens", "-1"),
        ("--initial_prompt", "None"),
        ("--carry_initial_prompt", "False"),
        ("--condition_on_previous_text", "True"),
        ("--fp16", "True"),
        ("--temperature_increment_on_fallback", "0.2"),
        ("--compression_ratio_threshold", "2.4"),
        ("--logprob_threshold", "-1.0"),
        ("--no_speech_threshold", "0.6"),
        ("--word_timestamps", "False"),
        ("--prepend_punctuations", "\"'“¿([{-"),
        ("--append_punctuations", "\"'.。,，!！?？:：”)]}、"),
        ("--highlight_words", "False"),
        ("--max_line_width", "None"),
        ("--max_line_count", "None"),
        ("--max_words_per_line", "None"),
        ("--threads", "0"),
        ("--clip_timestamps", "0"),
        ("--hallucination_silence_threshold", "None"),
    ];

    private readonly Sandbox _sandbox = new();

    public void Dispose() => _sandbox.Dispose();

    [Fact]
    public void Every_option_has_the_original_s_default_but_where_the_readme_says_otherwise()
    {
        Dictionary<string, string> shown = Shown();
        string readme = File.ReadAllText(Path.Combine(TestData.Repository, "README.md"));
        string section = readme[readme.IndexOf("## Coming from whisper", StringComparison.Ordinal)..readme.IndexOf("## On a GPU", StringComparison.Ordinal)];
        foreach ((string option, string python) in Options)
        {
            string name = option.Replace('_', '-'), actual = shown[name];
            if (Different.TryGetValue(option, out string? ours))
            {
                Assert.Equal((option, ours), (option, actual));
                Assert.Contains($"- `{option}` is {ours}, ", section, StringComparison.Ordinal);
            }
            else
            {
                Assert.Equal((option, Number(python)), (option, Number(actual)));
            }
        }
    }

    /// <summary>Of each name of an option what the help shows as its default; what is off or nothing has none there.</summary>
    private Dictionary<string, string> Shown()
    {
        Dictionary<string, string> defaults = [];
        foreach (Match line in HelpLine().Matches(_sandbox.Handwritten("transcribe", "--help").Output))
        {
            bool isFlag = line.Groups["value"].Value == "True|False";
            string shown = line.Groups["default"] is { Success: true } text ? text.Value : isFlag ? "False" : "None";
            foreach (string name in line.Groups["names"].Value.Split(", "))
            {
                defaults.Add(name, isFlag ? CultureInfo.InvariantCulture.TextInfo.ToTitleCase(shown) : shown);
            }
        }

        return defaults;
    }

    private static object Number(string text) => double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out double number) ? number : text;

    [GeneratedRegex(@"^  (?<names>-[^<]*?) <(?<value>[^>]*)>  .*?(\[default: (?<default>.*)\])?\r?$", RegexOptions.Multiline)]
    private static partial Regex HelpLine();
}
