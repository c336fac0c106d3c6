using System.Text.Json.Nodes;
using FsCheck.Xunit;
using Handwritten.Model.Tokenization;
using Handwritten.Tests;
using Handwritten.Tests.Tokenization;
using Xunit;

namespace Handwritten.Model.Tests.Tokenization;

public class WhisperTokenizerTests
{
    private static readonly WhisperTokenizer Tokenizer = TokenizerFolders.Get("multilingual_99");

    [Property(MaxTest = 500)]
    public void Any_text_survives_encoding_and_decoding(string? text)
    {
        // A half of a surrogate pair cannot survive: it is no character.
        string valid = string.Concat((text ?? string.Empty).EnumerateRunes());
        Assert.Equal(valid, Tokenizer.Decode(Tokenizer.EncodeOrdinary(valid)));
    }

    [Fact]
    public void The_demo_model_has_a_tokenizer()
    {
        using TemporaryModel folder = TemporaryModel.WithConfig();
        foreach (string file in (string[])["vocab.json", "merges.txt", "added_tokens.json", "generation_config.json"])
        {
            folder.Copy(TestData.Weights("whisper-nano"), file);
        }

        WhisperTokenizer tokenizer = folder.Tokenizer();
        Assert.True(tokenizer.Special.IsMultilingual);
        Assert.Equal(51864, tokenizer.Special.TimestampEnd);
        // What config.json suppresses are the non-speech tokens and the special tokens that openai/whisper adds.
        SpecialTokens special = tokenizer.Special;
        Assert.Equal(
            [.. tokenizer.NonSpeechTokens, special.StartOfTranscript, special.Translate, special.Transcribe, special.StartOfLanguageModel, special.StartOfPrevious, special.NoSpeech],
            folder.Config().SuppressTokens);
        Assert.Equal(tokenizer.BlankTokens, folder.Generation().BeginSuppressTokens);
    }

    [Fact]
    public void Several_threads_encode_the_same()
    {
        string[] texts = [.. Enumerable.Range(0, 400).Select(i => $"Number {i} is {i * i}: größer, 大きい {i}.")];
        int[][] expected = [.. texts.Select(Tokenizer.Encode)];
        WhisperTokenizer fresh = TokenizerFolders.Get("multilingual_99", "tokenizer_config");
        int[][] actual = new int[texts.Length][];
        Parallel.For(0, texts.Length, new ParallelOptions { MaxDegreeOfParallelism = 8 }, i => actual[i] = fresh.Encode(texts[i]));
        Assert.Equal(expected, actual);
    }

    [Theory]
    [InlineData("<|<|en|>", 2)]
    [InlineData("<|en|>>", 0)]
    [InlineData("a<|en<|0.00|>", 5)]
    public void Special_tokens_are_found_inside_of_what_looks_like_them(string text, int start)
    {
        int end = text.IndexOf("|>", start, StringComparison.Ordinal) + 2;
        Assert.Equal(
            [.. Tokenizer.EncodeOrdinary(text[..start]), Tokenizer.Special.Ids[text[start..end]], .. Tokenizer.EncodeOrdinary(text[end..])],
            Tokenizer.EncodeWithSpecial(text));
        Assert.Contains(text[start..end], Assert.Throws<TokenizationException>(() => Tokenizer.Encode(text)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_text_of_nothing_but_beginnings_of_special_tokens_takes_as_much_work_as_any_other()
    {
        const string part = "<|<|<|<|";
        string beginnings = string.Concat(Enumerable.Repeat(part, 2000)) + "|>";
        Assert.Equal(Tokenizer.EncodeOrdinary(beginnings), Tokenizer.EncodeWithSpecial(beginnings));
        Assert.Equal(Tokenizer.EncodeOrdinary(beginnings), Tokenizer.Encode(beginnings));

        // Work that grows with the square of the length would show in what is allocated: 128 MB.
        long before = GC.GetAllocatedBytesForCurrentThread();
        Tokenizer.EncodeOrdinary(beginnings);
        long ordinary = GC.GetAllocatedBytesForCurrentThread() - before;
        Tokenizer.Encode(beginnings);
        long all = GC.GetAllocatedBytesForCurrentThread() - before;
        Assert.InRange(all, ordinary, (2 * ordinary) + (64 * 1024));
        Assert.InRange(ordinary, 0, 1000 * beginnings.Length);
    }

    [Fact]
    public void A_number_that_is_no_token_is_named()
    {
        Assert.Contains("51865", Assert.Throws<TokenizationException>(() => Tokenizer.DecodeWithTimestamps([0, 51865])).Message, StringComparison.Ordinal);
        Assert.Contains("-1", Assert.Throws<TokenizationException>(() => Tokenizer.Decode([-1])).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Words_added_for_a_fine_tuned_model_and_ids_without_a_token_decode()
    {
        using TemporaryModel folder = TokenizerFolders.Make("multilingual_99");
        folder.Edit("config.json", TemporaryModel.ReadObject(folder.Locate("config.json")), config => config["vocab_size"] = 51872);
        folder.Edit("added_tokens.json", TemporaryModel.ReadObject(folder.Locate("added_tokens.json")), added =>
        {
            added["Größe"] = 51865;
            added["beyond the vocabulary"] = 51872;
        });

        WhisperTokenizer tokenizer = folder.Tokenizer();
        Assert.Equal("Größe!", tokenizer.DecodeWithTimestamps([51865, 51871, 0]));
        Assert.DoesNotContain(51865, tokenizer.Encode("Größe"));
    }

    [Fact]
    public void A_language_that_only_generation_config_names_has_a_token()
    {
        using TemporaryModel folder = TokenizerFolders.Make("multilingual_99");
        folder.Edit("config.json", TemporaryModel.ReadObject(folder.Locate("config.json")), config => config["vocab_size"] = 51866);
        folder.Write("generation_config.json", """{ "lang_to_id": { "<|en|>": 50259, "<|tlh|>": 51865 } }""");
        SpecialTokens special = folder.Tokenizer().Special;
        Assert.Equal(51865, special.LanguageToken("tlh"));
        Assert.Equal(100, special.LanguageCodes.Count);
    }

    [Fact]
    public void English_only_models_ignore_language_and_task()
    {
        SpecialTokens special = TokenizerFolders.Get("english").Special;
        Assert.Equal([50257, 50362], special.StartSequence("German", SpeechTask.Translate, timestamps: false));
        Assert.Throws<TokenizationException>(() => special.StartSequence("Klingon"));
    }

    public static TheoryData<string, string, Action<JsonObject>> BadAddedTokens => new()
    {
        { "no mark", "<|startoflm|>", added => added.Remove("<|startoflm|>") },
        { "no task", "<|translate|>", added => added.Remove("<|translate|>") },
        { "no nospeech", "<|nospeech|>", added => added.Remove("<|nospeech|>") },
        { "text for an id", "\"<|de|>\" must be a whole number", added => added["<|de|>"] = "fifty" },
        { "negative id", "<|de|>", added => added["<|de|>"] = -1 },
        { "another start", "decoder_start_token_id", added => added["<|startoftranscript|>"] = 50256 },
        { "another end", "eos_token_id", added => added["<|endoftext|>"] = 50256 },
        { "times out of order", "<|0.02|>", added => added["<|0.02|>"] = 50366 },
        { "a shared id", "\"<|yue|>\"", added => added["<|yue|>"] = 50259 },
        { "beyond the vocabulary", "\"vocab_size\" is 51865", added => added["<|yue|>"] = 51865 },
    };

    [Theory]
    [MemberData(nameof(BadAddedTokens))]
    public void Special_tokens_that_make_no_whisper_are_refused(string name, string named, Action<JsonObject> spoil)
    {
        using TemporaryModel folder = TokenizerFolders.Make("multilingual_99");
        folder.Edit("added_tokens.json", TemporaryModel.ReadObject(folder.Locate("added_tokens.json")), spoil);
        Sentence.Check(name, Assert.Throws<ModelException>(folder.Tokenizer), named);
    }

    [Theory]
    [InlineData("""{ "lang_to_id": { "<|de|>": 50262 } }""", "lang_to_id")]
    [InlineData("""{ "lang_to_id": { "de": 50261 } }""", "\"de\" in lang_to_id")]
    [InlineData("""{ "task_to_id": { "translate": 50359 } }""", "task_to_id")]
    [InlineData("""{ "no_timestamps_token_id": 50364 }""", "no_timestamps_token_id")]
    [InlineData("""{ "prev_sot_token_id": 50360 }""", "prev_sot_token_id")]
    public void A_generation_config_of_another_model_is_refused(string content, string named)
    {
        using TemporaryModel folder = TokenizerFolders.Make("multilingual_99");
        folder.Write("generation_config.json", content);
        Sentence.Check(content, Assert.Throws<ModelException>(folder.Tokenizer), named);
    }

    public static TheoryData<string, string, string> BadVocabularies => new()
    {
        { "vocab.json", "vocab.json is not valid JSON from line 1 on", "{ \"!\": 0, " },
        { "vocab.json", "\"!\" must be a whole number, but it is 0.5", "{ \"!\": 0.5 }" },
        { "vocab.json", "vocab.json must hold a JSON object, but it holds a list", "[]" },
        { "vocab.json", "no token for the byte written \"Ā\"", "{ \"!\": 0, \"\\\"\": 1 }" },
        { "merges.txt", "merges.txt has 1 merges", "#version: 0.2\nĠ t\n" },
        { "added_tokens.json", "added_tokens.json is not valid JSON", "version https://git-lfs.github.com/spec/v1" },
    };

    [Theory]
    [MemberData(nameof(BadVocabularies))]
    public void Damaged_tokenizer_files_are_refused(string file, string named, string content)
    {
        using TemporaryModel folder = TokenizerFolders.Make("multilingual_99");
        folder.Write(file, content);
        Sentence.Check(file, Assert.Throws<ModelException>(folder.Tokenizer), named);
    }

    [Theory]
    [InlineData("repeated", "Ġ t")]
    [InlineData("unknown product", "# %")]
    [InlineData("no space", "Ġt")]
    public void Merges_of_another_vocabulary_are_refused_with_the_first_text(string name, string merge)
    {
        using TemporaryModel folder = TokenizerFolders.Make("multilingual_99");
        File.AppendAllLines(folder.Locate("merges.txt"), [merge]);
        WhisperTokenizer tokenizer = folder.Tokenizer();
        Assert.Equal("!", tokenizer.Decode([0]));
        Sentence.Check(name, Assert.Throws<ModelException>(() => tokenizer.Encode("text")), "merges.txt has a merge");
    }

    [Fact]
    public void A_vocabulary_larger_than_the_model_is_refused()
    {
        using TemporaryModel folder = TokenizerFolders.Make("multilingual_99");
        folder.Edit("vocab.json", TemporaryModel.ReadObject(folder.Locate("vocab.json")), vocabulary =>
        {
            vocabulary.Remove("Ġthe");
            vocabulary["Ġthe"] = 51865;
        });
        Sentence.Check("vocab.json", Assert.Throws<ModelException>(folder.Tokenizer), "\"vocab_size\" is 51865");

        folder.Edit("vocab.json", TemporaryModel.ReadObject(folder.Locate("vocab.json")), vocabulary => vocabulary["Ġthe"] = 0);
        Sentence.Check("vocab.json", Assert.Throws<ModelException>(folder.Tokenizer), "share the id 0");

        folder.Edit("vocab.json", TemporaryModel.ReadObject(folder.Locate("vocab.json")), vocabulary =>
        {
            vocabulary.Remove("Ġthe");
            vocabulary["▁the"] = 264;
        });
        Sentence.Check("vocab.json", Assert.Throws<ModelException>(folder.Tokenizer), "alphabet of bytes");
    }

    [Theory]
    [InlineData("no model", "\"model\" is missing", "model", null)]
    [InlineData("another model", "\"Unigram\"", "model", """{ "type": "Unigram" }""")]
    [InlineData("no vocabulary", "\"vocab\" is missing", "model", """{ "type": "BPE", "merges": [] }""")]
    [InlineData("no id", "without \"id\"", "added_tokens", """[ { "content": "<|en|>" } ]""")]
    [InlineData("no content", "without \"content\"", "added_tokens", """[ { "id": 50259 } ]""")]
    [InlineData("no objects", "without \"content\"", "added_tokens", "[ 50259 ]")]
    [InlineData("a number", "must be a list", "added_tokens", "50259")]
    public void A_damaged_tokenizer_json_is_refused(string name, string named, string field, string? content)
    {
        using TemporaryModel folder = TokenizerFolders.Make("multilingual_99", "tokenizer_json");
        folder.Edit("tokenizer.json", TemporaryModel.ReadObject(folder.Locate("tokenizer.json")), file =>
            file[field] = content is null ? null : JsonNode.Parse(content));
        Sentence.Check(name, Assert.Throws<ModelException>(folder.Tokenizer), named);
    }

    [Fact]
    public void A_folder_without_tokenizer_says_which_files_to_get()
    {
        using TemporaryModel folder = TokenizerFolders.Make("multilingual_99");
        File.Delete(folder.Locate("merges.txt"));
        Sentence.Check("no merges", Assert.Throws<ModelException>(folder.Tokenizer), "merges.txt", "tokenizer.json");
    }
}
