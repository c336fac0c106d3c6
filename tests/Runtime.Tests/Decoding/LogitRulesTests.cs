using System.Text.Json;
using Handwritten.Kernels;
using Handwritten.Model.Synthetic;
using Handwritten.Model.Tokenization;
using Handwritten.Runtime.Decoding;
using Handwritten.Tests;
using Xunit;

namespace Handwritten.Runtime.Tests.Decoding;

/// <summary>Every case of the original's logit filters, on made-up logits.</summary>
public class LogitRulesTests
{
    [Fact]
    public void Rules_forbid_exactly_what_the_original_forbids()
    {
        using JsonDocument reference = JsonDocument.Parse(File.ReadAllBytes(TestData.Path("reference", "decoding", "filters.json")));
        int checkedRows = 0;
        foreach (JsonElement testCase in reference.RootElement.GetProperty("cases").EnumerateArray())
        {
            WhisperTokenizer tokenizer = Tokenizers.Named(testCase.GetProperty("tokenizer").GetString()!);
            JsonElement made = testCase.GetProperty("logits");
            int sampleBegin = testCase.GetProperty("sample_begin").GetInt32();
            List<ILogitRule> rules = [.. testCase.GetProperty("filters").EnumerateArray().Select(filter => ToRule(filter, tokenizer))];

            int row = 0;
            foreach (JsonElement tokens in testCase.GetProperty("tokens").EnumerateArray())
            {
                float[] logits = new float[made.GetProperty("n_vocab").GetInt32()];
                string name = made.GetProperty("name").GetString()!.Replace("<row>", $"{row}", StringComparison.Ordinal);
                DeterministicValues.Fill(logits, name, made.GetProperty("scale").GetDouble());
                foreach (JsonElement change in made.GetProperty("overrides").EnumerateArray())
                {
                    logits[change[0].GetInt32()] = change[1].GetSingle();
                }

                int[] sampled = [.. tokens.EnumerateArray().Skip(sampleBegin).Select(token => token.GetInt32())];
                rules.ForEach(rule => rule.Apply(logits, sampled));

                bool[] expected = new bool[logits.Length];
                foreach (JsonElement range in testCase.GetProperty("minus_infinity")[row].EnumerateArray())
                {
                    expected.AsSpan(range[0].GetInt32()..range[1].GetInt32()).Fill(true);
                }

                string note = $"{name}: {testCase.GetProperty("note").GetString()}";
                Assert.True(expected.AsSpan().SequenceEqual(Array.ConvertAll(logits, float.IsNegativeInfinity)), note);
                Assert.Equal(testCase.GetProperty("argmax")[row].GetInt32(), VocabularySoftmax.ArgMax(logits));
                row++;
                checkedRows++;
            }
        }

        Assert.True(checkedRows >= 50, $"only {checkedRows} rows were checked");
    }

    [Fact]
    public void Options_give_the_original_s_rules_and_start_sequence()
    {
        using JsonDocument reference = JsonDocument.Parse(File.ReadAllBytes(TestData.Path("reference", "decoding", "tasks.json")));
        int checkedCases = 0, refused = 0;
        foreach (JsonElement testCase in reference.RootElement.GetProperty("cases").EnumerateArray())
        {
            JsonElement given = testCase.GetProperty("options");
            int vocabulary = testCase.GetProperty("n_vocab").GetInt32();
            WhisperTokenizer tokenizer = Tokenizers.ForVocabulary(vocabulary);
            if (!testCase.TryGetProperty("result", out JsonElement expected))
            {
                // What the original refuses: contradictions by Verify, languages and special tokens by the tokenizer.
                Exception failure = Assert.ThrowsAny<Exception>(() =>
                {
                    DecodingOptions refusedOptions = ReferenceOptions.Read(given);
                    refusedOptions.Verify(vocabulary);
                    StartSequence.For(refusedOptions, tokenizer, context: 448);
                });
                Assert.True(failure is OptionsException or TokenizationException, failure.ToString());
                refused++;
                continue;
            }

            DecodingOptions options = ReferenceOptions.Read(given);
            options.Verify(vocabulary);
            Assert.Equal(expected.GetProperty("n_group").GetInt32(), options.Lanes);
            Assert.Equal(expected.GetProperty("sample_len").GetInt32(), StartSequence.SampleLength(options, context: 448));
            StartSequence start = StartSequence.For(options with { Language = options.Language ?? "en" }, tokenizer, context: 448);
            Assert.Equal(expected.GetProperty("initial_tokens").EnumerateArray().Select(token => token.GetInt32()), start.Tokens);
            Assert.Equal(expected.GetProperty("sot_index").GetInt32(), start.StartIndex);

            IReadOnlyList<ILogitRule> rules = LogitRules.For(options, tokenizer);
            Assert.Equal(
                expected.GetProperty("filters").EnumerateArray().Select(name => name.GetString()!.Replace("Apply", "", StringComparison.Ordinal)),
                rules.Select(rule => rule.GetType().Name));
            if (expected.TryGetProperty("suppressed", out JsonElement suppressed))
            {
                float[] logits = new float[testCase.GetProperty("n_vocab").GetInt32()];
                rules.OfType<SuppressTokens>().Single().Apply(logits, []);
                Assert.Equal(
                    suppressed.EnumerateArray().Select(token => token.GetInt32()),
                    Enumerable.Range(0, logits.Length).Where(token => float.IsNegativeInfinity(logits[token])));
            }

            if (expected.TryGetProperty("max_initial_timestamp_index", out JsonElement limit))
            {
                float[] logits = new float[testCase.GetProperty("n_vocab").GetInt32()];
                rules.OfType<TimestampRules>().Single().Apply(logits, []);
                int last = Array.FindLastIndex(logits, float.IsFinite);
                Assert.Equal(limit.ValueKind == JsonValueKind.Null ? logits.Length - 1 : tokenizer.Special.TimestampBegin + limit.GetInt32(), last);
            }

            checkedCases++;
        }

        Assert.Equal(reference.RootElement.GetProperty("cases").GetArrayLength(), checkedCases + refused);
        Assert.Equal(21, refused);
    }

    [Theory]
    [InlineData("{\"temperature\": -0.1}", "temperature must be a number from 0 on, but it is -0.1.")]
    [InlineData("{\"temperature\": 0.5, \"best_of\": 0}", "best_of must be from 1 to 100, but it is 0.")]
    [InlineData("{\"beam_size\": 1000000}", "beam_size must be from 1 to 100, but it is 1000000.")]
    [InlineData("{\"beam_size\": 2, \"patience\": 0.1}", "patience 0.1 is too small for 2 beams")]
    [InlineData("{\"beam_size\": 2, \"patience\": -1}", "patience must be from 0 to 1000, but it is -1.")]
    [InlineData("{\"sample_len\": -5}", "sample_len must not be below 0, but it is -5.")]
    [InlineData("{\"max_initial_timestamp\": -1}", "max_initial_timestamp must not be below 0, but it is -1.")]
    [InlineData("{\"suppress_tokens\": [51865]}", "suppress_tokens names the token 51865, but this model has the tokens 0 to 51864.")]
    [InlineData("{\"suppress_tokens\": [-2]}", "suppress_tokens names the token -2")]
    [InlineData("{\"prompt\": [51864, 51865]}", "prompt names the token 51865, but this model has the tokens 0 to 51864.")]
    [InlineData("{\"prefix\": [-1]}", "prefix names the token -1")]
    [InlineData("{\"repetition_penalty\": 0}", "repetition_penalty must be from 0.001 to 1000, but it is 0.")]
    [InlineData("{\"no_repeat_ngram_size\": -1}", "no_repeat_ngram_size must not be below 0, but it is -1.")]
    [InlineData("{\"max_new_tokens\": 0}", "max_new_tokens must be at least 1, but it is 0.")]
    [InlineData("{\"max_new_tokens\": 446, \"language\": \"en\"}", "max_new_tokens must be at most 445, but it is 446.")]
    public void Numbers_that_make_no_sense_are_refused_with_a_sentence(string given, string sentence)
    {
        WhisperTokenizer tokenizer = Tokenizers.Named("multilingual");
        DecodingOptions options = ReferenceOptions.Read(JsonDocument.Parse(given).RootElement);
        Assert.Contains(sentence, Assert.Throws<OptionsException>(() =>
        {
            options.Verify(51865);
            StartSequence.For(options, tokenizer, context: 448);
        }).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_start_that_leaves_no_room_is_refused_with_a_sentence()
    {
        DecodingOptions options = new() { Language = "en", Prompt = Prompt.FromTokens(new int[500]), Prefix = Prompt.FromTokens(new int[300]) };
        Assert.Equal(
            "Prompt and prefix make 527 tokens, but the decoder holds 448: shorten the prefix.",
            Assert.Throws<OptionsException>(() => StartSequence.For(options, Tokenizers.Named("multilingual"), context: 448)).Message);
    }

    private static ILogitRule ToRule(JsonElement filter, WhisperTokenizer tokenizer) => filter.GetProperty("kind").GetString() switch
    {
        "SuppressBlank" => new SuppressBlank(tokenizer.BlankTokens),
        "SuppressTokens" => new SuppressTokens([.. filter.GetProperty("tokens").EnumerateArray().Select(token => token.GetInt32())]),
        "ApplyTimestampRules" => new TimestampRules(
            tokenizer.Special,
            filter.GetProperty("max_initial_timestamp_index") is { ValueKind: JsonValueKind.Number } limit ? limit.GetInt32() : null),
        var other => throw new InvalidDataException($"unknown filter {other}"),
    };
}
