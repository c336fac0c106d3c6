using System.Text.Json;
using Handwritten.Kernels;
using Handwritten.Model.Synthetic;
using Handwritten.Model.Tokenization;
using Handwritten.Runtime.Transcription;
using Handwritten.Runtime.Transcription.Words;
using Handwritten.Tests;
using Xunit;

namespace Handwritten.Runtime.Tests.Transcription;

/// <summary>Every case of the original's word alignment: from attention scores to the words of segments.</summary>
public class AlignmentTests
{
    public static TheoryData<string> Alignments() => [.. Cases("find_alignment").Select(testCase => testCase.GetProperty("name").GetString()!)];

    [Fact]
    public void The_cheapest_way_is_the_original_s_ties_included()
    {
        foreach (JsonElement testCase in Cases("dtw"))
        {
            int rows = testCase.GetProperty("rows").GetInt32(), columns = testCase.GetProperty("columns").GetInt32();
            float[] costs = Costs(testCase.GetProperty("kind").GetString()!, testCase.GetProperty("name").GetString()!, rows, columns);
            (int[] texts, int[] times) = DynamicTimeWarping.Path(costs, rows, columns);
            Assert.Equal(Integers(testCase.GetProperty("text_indices")), texts);
            Assert.Equal(Integers(testCase.GetProperty("time_indices")), times);
            Assert.Equal(testCase.GetProperty("path_cost").GetDouble(), texts.Zip(times).Sum(step => (double)costs[(step.First * columns) + step.Second]), 1e-3);
        }
    }

    [Fact]
    public void Medians_are_the_original_s_reflection_included()
    {
        foreach (JsonElement testCase in Cases("median_filter"))
        {
            int[] shape = [.. Integers(testCase.GetProperty("shape"))];
            float[] values = new float[shape.Aggregate(1, (product, size) => product * size)], filtered = new float[shape[^1]];
            DeterministicValues.Fill(values, testCase.GetProperty("name").GetString()!);
            float[] result = [.. values.Chunk(shape[^1]).SelectMany(row =>
            {
                MedianFilter.Apply(row, testCase.GetProperty("width").GetInt32(), filtered);
                return (float[])filtered.Clone();
            })];

            if (testCase.TryGetProperty("values", out JsonElement all))
            {
                Assert.Equal(all.EnumerateArray().Select(value => value.GetSingle()), result);
            }
            else
            {
                AssertSummary(testCase, result, 1e-6);
            }

            Assert.True(!testCase.GetProperty("unchanged").GetBoolean() || values.SequenceEqual(result));
        }
    }

    [Theory]
    [MemberData(nameof(Alignments))]
    public void Words_lie_where_the_original_finds_them(string name)
    {
        JsonElement testCase = Cases("find_alignment").Single(candidate => candidate.GetProperty("name").GetString() == name);
        WhisperTokenizer tokenizer = Tokenizers.Named(testCase.GetProperty("multilingual").GetBoolean() ? "multilingual" : "english");
        string? language = testCase.GetProperty("language").GetString();
        int[] text = [.. Integers(testCase.GetProperty("text_tokens"))];
        int start = tokenizer.Special.StartSequence(language).Length, rows = start + text.Length + 2;
        int frames = testCase.GetProperty("num_frames").GetInt32() / 2;
        int width = testCase.GetProperty("options").TryGetProperty("medfilt_width", out JsonElement given) ? given.GetInt32() : AttentionMatrix.FilterWidth;
        if (text.Length == 0)
        {
            Assert.Equal(0, testCase.GetProperty("words").GetArrayLength()); // WordAligner does not even begin
            return;
        }

        float[][] heads = [.. testCase.GetProperty("alignment_heads_in_order").EnumerateArray()
            .Select(head => Weights(testCase, $"{name}.{head[0].GetInt32()}.{head[1].GetInt32()}", rows, frames))];
        float[] matrix = AttentionMatrix.Compute(heads, rows, 1500, frames, width)[(start * frames)..^frames];
        AssertSummary(testCase.GetProperty("dtw_input"), Array.ConvertAll(matrix, value => -value), 1e-5);

        double[] probabilities = [.. text.Select((token, k) => Probability(tokenizer, $"{name}.logits.{start + k}", token, 6 + (k % 7)))];
        IReadOnlyList<WordTiming> words = TokenAlignment.Find(
            tokenizer.SplitToWords([.. text, tokenizer.Special.EndOfText], language), probabilities, matrix, frames);
        JsonElement expected = testCase.GetProperty("words");
        Assert.Equal(expected.GetArrayLength(), words.Count);
        foreach ((JsonElement wanted, WordTiming word) in expected.EnumerateArray().Zip(words))
        {
            Assert.Equal(wanted.GetProperty("word").GetString(), word.Text);
            Assert.Equal(Integers(wanted.GetProperty("tokens")), word.Tokens);
            Assert.Equal(wanted.GetProperty("start").GetDouble(), word.Start);
            Assert.Equal(wanted.GetProperty("end").GetDouble(), word.End);
            Assert.Equal(wanted.GetProperty("probability").GetDouble(), word.Probability, 1e-5);
        }
    }

    [Fact]
    public void Punctuation_joins_the_words_that_the_original_joins_it_to()
    {
        JsonElement reference = Reference();
        foreach (JsonElement testCase in Cases("merge_punctuations"))
        {
            WordTiming[] words = [.. testCase.GetProperty("words").EnumerateArray().Select((word, i) => new WordTiming(word.GetString()!, [100 + i], 0, 0, 1))];
            Punctuation.Merge(words, reference.GetProperty("prepend").GetString()!, reference.GetProperty("append").GetString()!);
            Assert.Equal(testCase.GetProperty("merged").EnumerateArray().Select(word => word.GetString()), words.Select(word => word.Text));
            Assert.Equal(testCase.GetProperty("merged_tokens").EnumerateArray().Select(tokens => string.Join(' ', Integers(tokens))), words.Select(word => string.Join(' ', word.Tokens)));
        }
    }

    [Fact]
    public void Segments_get_the_original_s_words_and_ends()
    {
        foreach (JsonElement testCase in Cases("add_word_timestamps"))
        {
            JsonElement[] given = [.. testCase.GetProperty("segments").EnumerateArray()];
            SegmentDraft[] segments = [.. given.Select(segment => new SegmentDraft(
                segment.GetProperty("start").GetDouble(), segment.GetProperty("end").GetDouble(), [.. Integers(segment.GetProperty("tokens"))]))];
            WordTiming[] alignment = [.. testCase.GetProperty("alignment").EnumerateArray().Select(word => new WordTiming(
                word.GetProperty("word").GetString()!, [.. Integers(word.GetProperty("tokens"))],
                word.GetProperty("start").GetDouble(), word.GetProperty("end").GetDouble(), word.GetProperty("probability").GetDouble()))];
            int seek = given.Length == 0 ? 0 : given[0].GetProperty("seek").GetInt32();

            WordTimestamps.Add(segments, alignment, seek, endOfText: 50257, new TranscriptionOptions(), testCase.GetProperty("last_speech_timestamp").GetDouble());

            foreach ((JsonElement wanted, SegmentDraft segment) in testCase.GetProperty("result").EnumerateArray().Zip(segments))
            {
                Assert.Equal(wanted.GetProperty("start").GetDouble(), segment.Start);
                Assert.Equal(wanted.GetProperty("end").GetDouble(), segment.End);
                ReferenceWords.AssertEqual(wanted, segment.Words, timeTolerance: 0, probabilityTolerance: 0);
            }
        }
    }

    [Theory]
    [InlineData(0.125, 0.12)] // exact halves: to the even hundredth
    [InlineData(0.375, 0.38)]
    [InlineData(2.675, 2.67)] // a little less than the half that it looks like
    [InlineData(1.005, 1.0)]
    [InlineData(36.699999999999996, 36.7)]
    [InlineData(1234567.891, 1234567.89)]
    public void Times_are_rounded_as_python_rounds_them(double seconds, double rounded) => Assert.Equal(rounded, WordTimestamps.Round(seconds));

    private static float[] Costs(string kind, string name, int rows, int columns)
    {
        float[] costs = new float[rows * columns];
        switch (kind)
        {
            case "noise":
                DeterministicValues.Fill(costs, name);
                break;
            case "diagonal":
                DeterministicValues.Fill(costs, name);
                for (int j = 0; j < columns; j++)
                {
                    costs[(j * rows / columns * columns) + j] -= 2;
                }

                break;
            case "integers":
                for (int i = 0; i < costs.Length; i++)
                {
                    costs[i] = (((7 * (i / columns)) + (13 * (i % columns))) % 5) - 2;
                }

                break;
            default:
                Array.Fill(costs, kind switch { "zeros" => 0, "ones" => 1, "minus_ones" => -1, _ => throw new InvalidDataException(kind) });
                break;
        }

        return costs;
    }

    /// <summary>The case's made-up scores of one head, as weights over all frames of a window.</summary>
    private static float[] Weights(JsonElement testCase, string name, int rows, int frames)
    {
        JsonElement toy = testCase.GetProperty("toy");
        double peak = toy.GetProperty("peak").GetDouble(), width = toy.GetProperty("width").GetDouble();
        double scale = testCase.GetProperty("options").TryGetProperty("qk_scale", out JsonElement given) ? given.GetDouble() : 1;
        float[] weights = new float[rows * 1500];
        DeterministicValues.Fill(weights, name, scale: 1.5);
        for (int t = 0; t < rows; t++)
        {
            Span<float> row = weights.AsSpan(t * 1500, 1500);
            double sum = 0;
            for (int f = 0; f < row.Length; f++)
            {
                double bump = peak * Math.Max(0, 1 - (Math.Abs(f - ((t + 0.5) * frames / rows)) / width));
                row[f] = (float)(row[f] + bump) * (float)scale;
                sum += Math.Exp(row[f]);
            }

            for (int f = 0; f < row.Length; f++)
            {
                row[f] = (float)(Math.Exp(row[f]) / sum);
            }
        }

        return weights;
    }

    private static double Probability(WhisperTokenizer tokenizer, string name, int token, float logit)
    {
        float[] logits = new float[tokenizer.Special.EndOfText];
        DeterministicValues.Fill(logits, name, scale: 2);
        logits[token] = logit;
        return Math.Exp(logit - VocabularySoftmax.LogSumExp(logits));
    }

    private static void AssertSummary(JsonElement summary, float[] values, double tolerance)
    {
        Assert.Equal(summary.GetProperty("shape").EnumerateArray().Aggregate(1, (product, size) => product * size.GetInt32()), values.Length);
        Assert.Equal(summary.GetProperty("mean").GetDouble(), values.Average(value => (double)value), tolerance);
        Assert.Equal(summary.GetProperty("min").GetDouble(), values.Min(), tolerance);
        Assert.Equal(summary.GetProperty("max").GetDouble(), values.Max(), tolerance);
        float[] samples = [.. summary.GetProperty("samples").EnumerateArray().Select(sample => sample.GetSingle())];
        for (int k = 0; k < samples.Length; k++)
        {
            long index = values.Length <= samples.Length ? k : (long)k * (values.Length - 1) / (samples.Length - 1);
            Assert.Equal(samples[k], values[index], tolerance);
        }
    }

    private static IEnumerable<int> Integers(JsonElement list) => list.EnumerateArray().Select(item => item.GetInt32());

    private static JsonElement.ArrayEnumerator Cases(string kind) => Reference().GetProperty(kind).EnumerateArray();

    private static JsonElement Reference() =>
        JsonDocument.Parse(File.ReadAllBytes(TestData.Path("reference", "decoding", "alignment.json"))).RootElement;
}
