using System.Text.Json;
using Handwritten.Model.Tokenization;
using Handwritten.Tests;
using Handwritten.Tests.Tokenization;
using Xunit;

namespace Handwritten.Model.Tests.Tokenization;

/// <summary>Every special id, start sequence and language in the reference data.</summary>
public class SpecialParityTests
{
    private static readonly JsonElement Reference = JsonDocument
        .Parse(File.ReadAllBytes(TestData.Path("reference", "tokenizer", "special.json")))
        .RootElement;

    public static TheoryData<string, string> All => TokenizerFolders.All;

    [Theory]
    [MemberData(nameof(All))]
    public void Special_ids_are_those_of_openai_whisper(string vocabulary, string form)
    {
        WhisperTokenizer tokenizer = TokenizerFolders.Get(vocabulary, form);
        SpecialTokens special = tokenizer.Special;
        JsonElement expected = Reference.GetProperty("tokenizers").GetProperty(vocabulary);

        Dictionary<string, object?> actual = new()
        {
            ["eot"] = special.EndOfText,
            ["sot"] = special.StartOfTranscript,
            ["transcribe"] = special.Transcribe,
            ["translate"] = special.Translate,
            ["sot_lm"] = special.StartOfLanguageModel,
            ["sot_prev"] = special.StartOfPrevious,
            ["no_speech"] = special.NoSpeech,
            ["no_timestamps"] = special.NoTimestamps,
            ["timestamp_begin"] = special.TimestampBegin,
            ["timestamp_end"] = special.TimestampEnd,
            ["n_vocab"] = special.TimestampEnd + 1,
            ["first_language_token"] = special.LanguageTokens[0],
            ["language_token_count"] = special.LanguageTokens.Count,
            ["default_language"] = special.ResolveLanguage(null),
            ["default_task"] = special.IsMultilingual ? "transcribe" : null,
            ["default_sot_sequence"] = special.StartSequence(),
            ["default_sot_sequence_including_notimestamps"] = special.StartSequence(timestamps: false),
            ["non_speech_tokens"] = tokenizer.NonSpeechTokens,
            ["blank_tokens"] = tokenizer.BlankTokens,
        };
        foreach ((string name, object? value) in actual)
        {
            Assert.Equal((name, JsonSerializer.Serialize(expected.GetProperty(name))), (name, JsonSerializer.Serialize(value)));
        }

        JsonElement ids = expected.GetProperty("special_tokens");
        foreach (JsonProperty token in ids.EnumerateObject())
        {
            Assert.Equal((token.Name, token.Value.GetInt32()), (token.Name, special.Ids[token.Name]));
            Assert.Equal(token.Name, tokenizer.DecodeWithTimestamps([token.Value.GetInt32()]));
        }

        // The reference lists the first timestamp only; and every field of it was compared.
        Assert.Equal(ids.EnumerateObject().Count() + 1500, special.Ids.Count);
        Assert.Equal(expected.EnumerateObject().Count(), actual.Count + 1);
    }

    [Fact]
    public void Languages_and_aliases_are_those_of_openai_whisper()
    {
        Assert.Equal(
            Reference.GetProperty("languages").EnumerateObject().Select(language => KeyValuePair.Create(language.Name, language.Value.GetString()!)),
            Languages.All);
        Assert.Equal(
            Reference.GetProperty("language_aliases").EnumerateObject().ToDictionary(alias => alias.Name, alias => alias.Value.GetString()!),
            Languages.Codes.ToDictionary());
        Assert.Equal(Languages.All.Select(language => language.Key), TokenizerFolders.Get("multilingual_100").Special.LanguageCodes);
        Assert.Equal(Languages.All.Select(language => language.Key).SkipLast(1), TokenizerFolders.Get("multilingual_99").Special.LanguageCodes);
    }

    [Fact]
    public void Language_arguments_are_understood_as_by_openai_whisper()
    {
        int errors = 0;
        int results = 0;
        foreach (JsonElement item in Reference.GetProperty("language_arguments").EnumerateArray())
        {
            string language = item.GetProperty("language").GetString()!;
            if (item.TryGetProperty("result", out JsonElement code))
            {
                Assert.Equal(code.GetString(), Languages.ToCode(language));
                results++;
            }
            else
            {
                Assert.Equal("ValueError", item.GetProperty("error").GetString());
                Assert.Contains($"\"{language}\"", Assert.Throws<TokenizationException>(() => Languages.ToCode(language)).Message, StringComparison.Ordinal);
                errors++;
            }
        }

        Assert.Equal((11, 3), (results, errors));
    }

    [Theory]
    [InlineData("files")]
    [InlineData("tokenizer_json")]
    public void Start_sequences_are_those_of_openai_whisper(string form)
    {
        int count = 0;
        int errors = 0;
        foreach (JsonElement item in Reference.GetProperty("sot_sequences").EnumerateArray())
        {
            bool multilingual = item.GetProperty("multilingual").GetBoolean();
            SpecialTokens special = TokenizerFolders.Get(multilingual ? $"multilingual_{item.GetProperty("num_languages")}" : "english", form).Special;
            string? language = item.GetProperty("language").GetString();
            // Without a task the original transcribes.
            SpeechTask task = item.GetProperty("task").GetString() == "translate" ? SpeechTask.Translate : SpeechTask.Transcribe;
            count++;
            if (!item.TryGetProperty("result", out JsonElement expected))
            {
                Assert.Equal("ValueError", item.GetProperty("error").GetString());
                Assert.Contains("\"yue\"", Assert.Throws<TokenizationException>(() => special.StartSequence(language, task)).Message, StringComparison.Ordinal);
                errors++;
                continue;
            }

            string? code = special.ResolveLanguage(language);
            Assert.Equal(expected.GetProperty("language").GetString(), code);
            Assert.Equal(Ids(expected.GetProperty("sot_sequence")), special.StartSequence(language, task));
            Assert.Equal(Ids(expected.GetProperty("including_notimestamps")), special.StartSequence(language, task, timestamps: false));
            if (expected.TryGetProperty("language_token", out JsonElement token))
            {
                Assert.Equal(token.GetInt32(), special.LanguageToken(code!));
            }
        }

        Assert.Equal((63, 3), (count, errors));
    }

    [Theory]
    [InlineData("files")]
    [InlineData("old_files")]
    [InlineData("new_tokenizer_json")]
    public void Timestamps_are_a_fiftieth_of_a_second_apart(string form)
    {
        WhisperTokenizer tokenizer = TokenizerFolders.Get("multilingual_99", form);
        int count = 0;
        foreach (JsonElement item in Reference.GetProperty("timestamp_tokens").EnumerateArray())
        {
            int id = item.GetProperty("id").GetInt32();
            string text = item.GetProperty("text").GetString()!;
            Assert.Equal(text, tokenizer.DecodeWithTimestamps([id]));
            Assert.Equal(string.Empty, tokenizer.Decode([id]));
            Assert.Equal([id], tokenizer.EncodeWithSpecial(text));
            Assert.Equal(double.Parse(text.AsSpan()[2..^2]), (id - tokenizer.Special.TimestampBegin) * WhisperAudio.SecondsPerTimestamp, 9);
            count++;
        }

        Assert.Equal(70, count);
    }

    [Fact]
    public void Words_are_split_on_characters_in_languages_without_spaces_only()
    {
        WhisperTokenizer tokenizer = TokenizerFolders.Get("multilingual_100");
        int[] tokens = tokenizer.Encode("Eine Donaudampfschiffahrt");
        IReadOnlyList<WordTokens> characters = tokenizer.SplitOnUnicode(tokens);
        IReadOnlyList<WordTokens> words = tokenizer.SplitOnSpaces(tokens);
        Assert.True(characters.Count > words.Count);

        HashSet<string> unicode = [.. Reference.GetProperty("split_on_unicode_languages").EnumerateArray().Select(code => code.GetString()!)];
        Assert.Equal(6, unicode.Count);
        foreach (string? code in tokenizer.Special.LanguageCodes.Append(null))
        {
            IReadOnlyList<WordTokens> expected = code is not null && unicode.Contains(code) ? characters : words;
            Assert.Equal(expected.Select(word => word.Text), tokenizer.SplitToWords(tokens, code).Select(word => word.Text));
        }
    }

    private static int[] Ids(JsonElement list) => [.. list.EnumerateArray().Select(id => id.GetInt32())];
}
