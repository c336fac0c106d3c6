using System.Text.Json;
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
                Assert.Equal(testCase.GetProperty("argmax")[row].GetInt32(), LogProbabilities.ArgMax(logits));
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
        int checkedCases = 0;
        foreach (JsonElement testCase in reference.RootElement.GetProperty("cases").EnumerateArray())
        {
            JsonElement given = testCase.GetProperty("options");
            if (!testCase.TryGetProperty("result", out JsonElement expected) || !ReferenceOptions.AreUnderstood(given, ReferenceOptions.Decoding)
                || (given.TryGetProperty("task", out JsonElement task) && task.GetString() == "lang_id"))
            {
                continue;
            }

            WhisperTokenizer tokenizer = Tokenizers.ForVocabulary(testCase.GetProperty("n_vocab").GetInt32());
            DecodingOptions options = ReferenceOptions.Read(given, tokenizer);
            StartSequence start = StartSequence.For(options with { Language = options.Language ?? "en" }, tokenizer.Special, context: 448);
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

        Assert.True(checkedCases >= 80, $"only {checkedCases} cases were checked");
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
