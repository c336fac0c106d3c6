using System.Text.Json;
using Handwritten.Model.Tokenization;
using Handwritten.Tests;
using Handwritten.Tests.Tokenization;
using Xunit;

namespace Handwritten.Model.Tests.Tokenization;

/// <summary>Every text and every list of ids in the reference data, against what tiktoken made of them.</summary>
public class TextParityTests
{
    /// <summary>The vocabularies with a file of reference texts, in every form.</summary>
    public static TheoryData<string, string> References
    {
        get
        {
            TheoryData<string, string> data = [];
            foreach (string form in TokenizerFolders.Forms)
            {
                data.Add("english", form);
                data.Add("multilingual_99", form);
            }

            return data;
        }
    }

    [Theory]
    [MemberData(nameof(References))]
    public void Text_is_encoded_decoded_and_split_as_by_openai_whisper(string vocabulary, string form)
    {
        WhisperTokenizer tokenizer = TokenizerFolders.Get(vocabulary, form);
        JsonElement reference = Read(vocabulary);

        int encoded = 0;
        int split = 0;
        int indexErrors = 0;
        foreach (JsonElement item in reference.GetProperty("encode").EnumerateArray())
        {
            string text = item.GetProperty("text").GetString()!;
            int[] ids = Ids(item.GetProperty("ids"));
            Same(ids, tokenizer.Encode(text), text);
            Same(ids, tokenizer.EncodeWithSpecial(text), text);
            string decoded = item.TryGetProperty("decoded", out JsonElement other) ? other.GetString()! : text;
            Equal(decoded, tokenizer.Decode(ids), text);
            CheckSplit([.. ids, tokenizer.Special.EndOfText], item, text);
            encoded++;
        }

        int decodedCount = 0;
        foreach (JsonElement item in reference.GetProperty("decode").EnumerateArray())
        {
            string kind = item.GetProperty("kind").GetString()!;
            int[] ids = Ids(item.GetProperty("ids"));
            Equal(item.GetProperty("text").GetString()!, tokenizer.Decode(ids), kind);
            if (item.TryGetProperty("with_timestamps", out JsonElement withTimestamps))
            {
                Equal(withTimestamps.GetString()!, tokenizer.DecodeWithTimestamps(ids), kind);
            }

            if (item.TryGetProperty("split", out _))
            {
                CheckSplit(ids, item, kind);
            }

            decodedCount++;
        }

        // All are split but the 256 single bytes of the decode cases.
        (int decodeCases, int errorCases) = vocabulary == "english" ? (563, 30) : (502, 22);
        Assert.Equal((521, decodeCases, 521 + decodeCases - 256, errorCases), (encoded, decodedCount, split, indexErrors));

        void CheckSplit(int[] ids, JsonElement item, string name)
        {
            JsonElement expected = item.GetProperty("split");
            CheckWords(expected.GetProperty("unicode"), tokenizer.SplitOnUnicode(ids), ids, name);
            CheckWords(expected.GetProperty("spaces"), tokenizer.SplitOnSpaces(ids), ids, name);
            split++;
        }

        void CheckWords(JsonElement expected, IReadOnlyList<WordTokens> words, int[] ids, string name)
        {
            int[] joined = [.. words.SelectMany(word => word.Tokens)];
            Same(ids[..joined.Length], joined, name);
            if (expected.TryGetProperty("error", out JsonElement error))
            {
                // The original looks beyond the end of the text for the rest of a character that never comes.
                Assert.Equal("IndexError", error.GetString());
                Assert.True(joined.Length < ids.Length, name);
                indexErrors++;
                return;
            }

            Same(expected.GetProperty("words").EnumerateArray().Select(word => word.GetString()!), words.Select(word => word.Text), name);
            Same(Ids(expected.GetProperty("lengths")), words.Select(word => word.Tokens.Length), name);
            int leftOut = expected.TryGetProperty("tokens_left_out_at_the_end", out JsonElement number) ? number.GetInt32() : 0;
            Equal(leftOut, ids.Length - joined.Length, name);
        }
    }

    [Theory]
    [MemberData(nameof(References))]
    public void Halves_of_surrogate_pairs_become_replacement_characters(string vocabulary, string form)
    {
        WhisperTokenizer tokenizer = TokenizerFolders.Get(vocabulary, form);
        int count = 0;
        foreach (JsonElement item in Read(vocabulary).GetProperty("encode_broken_utf16").EnumerateArray())
        {
            string text = new([.. item.GetProperty("utf16").EnumerateArray().Select(unit => (char)unit.GetInt32())]);
            int[] ids = Ids(item.GetProperty("ids"));
            Assert.Equal(ids, tokenizer.Encode(text));
            Assert.Equal(item.GetProperty("decoded").GetString(), tokenizer.Decode(ids));
            count++;
        }

        Assert.Equal(3, count);
    }

    [Theory]
    [MemberData(nameof(References))]
    public void Text_that_looks_like_special_tokens_is_refused_taken_or_encoded_as_told(string vocabulary, string form)
    {
        WhisperTokenizer tokenizer = TokenizerFolders.Get(vocabulary, form);
        int errors = 0;
        int results = 0;
        foreach (JsonElement item in Read(vocabulary).GetProperty("encode_special").EnumerateArray())
        {
            string text = item.GetProperty("text").GetString()!;
            Check(item.GetProperty("default"), () => tokenizer.Encode(text));
            Check(item.GetProperty("allowed_special_all"), () => tokenizer.EncodeWithSpecial(text));
            Check(item.GetProperty("allowed_endoftext_only"), () => tokenizer.EncodeWithSpecial(text, new HashSet<string> { "<|endoftext|>" }));
            Check(item.GetProperty("disallowed_special_none"), () => tokenizer.EncodeOrdinary(text));
        }

        Assert.Equal((4, 20), (errors, results));

        void Check(JsonElement expected, Func<int[]> encode)
        {
            if (expected.TryGetProperty("result", out JsonElement ids))
            {
                Assert.Equal(Ids(ids), encode());
                results++;
            }
            else
            {
                Assert.Equal("ValueError", expected.GetProperty("error").GetString());
                Assert.Throws<TokenizationException>(encode);
                errors++;
            }
        }
    }

    private static void Equal<T>(T expected, T actual, string name) =>
        Assert.True(EqualityComparer<T>.Default.Equals(expected, actual), $"{name}: {expected} is expected, but it is {actual}");

    private static void Same<T>(IEnumerable<T> expected, IEnumerable<T> actual, string name) =>
        Assert.True(expected.SequenceEqual(actual), $"{name}: [{string.Join(" ", expected)}] is expected, but it is [{string.Join(" ", actual)}]");

    private static int[] Ids(JsonElement list) => [.. list.EnumerateArray().Select(id => id.GetInt32())];

    private static JsonElement Read(string vocabulary) => JsonDocument
        .Parse(File.ReadAllBytes(TestData.Path("reference", "tokenizer", vocabulary == "english" ? "english.json" : "multilingual.json")))
        .RootElement;
}
