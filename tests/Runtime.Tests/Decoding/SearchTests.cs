using System.Text.Json;
using Handwritten.Model.Synthetic;
using Handwritten.Runtime.Decoding;
using Handwritten.Tests;
using Xunit;

namespace Handwritten.Runtime.Tests.Decoding;

/// <summary>The original's greedy decoder, beam search and ranking on made-up logits, step by step.</summary>
public class SearchTests
{
    public static TheoryData<int> BeamCases() => [.. Enumerable.Range(0, Reference().GetProperty("beam").GetArrayLength())];

    [Fact]
    public void Greedy_search_chooses_the_original_s_tokens_and_sums_its_log_probabilities()
    {
        int steps = 0;
        foreach (JsonElement testCase in Reference().GetProperty("greedy").EnumerateArray())
        {
            JsonElement toy = testCase.GetProperty("toy");
            int endOfText = toy.GetProperty("eot").GetInt32(), vocabulary = toy.GetProperty("n_vocab").GetInt32();
            List<List<int>> rows = [.. testCase.GetProperty("start").EnumerateArray().Select(row => Integers(row).ToList())];
            GreedySearch[] searches = [.. rows.Select(_ => new GreedySearch(endOfText, 64))];
            foreach (JsonElement step in testCase.GetProperty("trace").EnumerateArray())
            {
                for (int row = 0; row < rows.Count; row++)
                {
                    // The original goes on appending the end token to finished rows.
                    if (rows[row][^1] != endOfText)
                    {
                        searches[row].Choose(ToyLogits(testCase, rows[row]), vocabulary);
                        rows[row].Add(searches[row].Completed ? endOfText : searches[row].Tokens(0)[^1]);
                    }

                    Assert.Equal(step.GetProperty("tokens")[row].GetInt32(), rows[row][^1]);
                    Assert.Equal(step.GetProperty("sum_logprobs")[row].GetDouble(), searches[row].SumLogProbability, 1e-5);
                    steps++;
                }

                Assert.Equal(step.GetProperty("completed").GetBoolean(), rows.TrueForAll(row => row[^1] == endOfText));
            }
        }

        Assert.True(steps >= 40, $"only {steps} steps were checked");
    }

    [Theory]
    [MemberData(nameof(BeamCases))]
    public void Beam_search_follows_the_original_step_by_step(int index)
    {
        JsonElement testCase = Reference().GetProperty("beam")[index];
        JsonElement toy = testCase.GetProperty("toy");
        int beams = testCase.GetProperty("beam_size").GetInt32(), vocabulary = toy.GetProperty("n_vocab").GetInt32();
        double? patience = testCase.GetProperty("patience") is { ValueKind: JsonValueKind.Number } given ? given.GetDouble() : null;
        Assert.Equal(testCase.GetProperty("max_candidates").GetInt32(), BeamSearch.CandidateLimit(beams, patience));

        // Several windows are several searches here.
        int[][] starts = [.. testCase.GetProperty("start").EnumerateArray().Select(row => Integers(row).ToArray())];
        BeamSearch[] searches = [.. starts.Select(_ => new BeamSearch(beams, patience, toy.GetProperty("eot").GetInt32(), 64))];
        int stepNumber = 0;
        foreach (JsonElement step in testCase.GetProperty("trace").EnumerateArray())
        {
            for (int i = 0; i < starts.Length; i++)
            {
                BeamSearch search = searches[i];
                float[] logits = [.. search.OpenLanes.ToArray().SelectMany(lane => ToyLogits(testCase, [.. starts[i], .. search.Tokens(lane)]))];
                if (search.Completed)
                {
                    continue; // the original goes on until all windows are done, but keeps no further texts
                }

                search.Choose(logits, vocabulary);
                for (int lane = 0; lane < beams; lane++)
                {
                    int row = (i * beams) + lane;
                    Assert.Equal(step.GetProperty("next_tokens")[row].GetInt32(), search.Tokens(lane)[^1]);
                    Assert.Equal(step.GetProperty("sum_logprobs")[row].GetDouble(), search.Sum(lane), 1e-5);

                    // The original begins with equal beams and takes the last of them.
                    Assert.Equal(stepNumber == 0 ? 0 : step.GetProperty("source_rows")[row].GetInt32() - (i * beams), search.Parents[lane]);
                }

                Assert.Equal(step.GetProperty("finished")[i].GetInt32(), search.FinishedCount);
            }

            Assert.Equal(step.GetProperty("completed").GetBoolean(), searches.All(search => search.Completed));
            stepNumber++;
        }

        for (int i = 0; i < starts.Length; i++)
        {
            IReadOnlyList<Candidate> found = searches[i].Candidates();
            JsonElement expected = testCase.GetProperty("final_tokens")[i];
            Assert.Equal(expected.GetArrayLength(), found.Count);
            for (int text = 0; text < found.Count; text++)
            {
                Assert.Equal(Integers(expected[text]).ToArray()[starts[i].Length..^1], found[text].Tokens);
                Assert.Equal(testCase.GetProperty("final_sum_logprobs")[i][text].GetDouble(), found[text].SumLogProbability, 1e-5);
            }

            foreach (JsonProperty selected in testCase.GetProperty("selected_by_length_penalty").EnumerateObject())
            {
                if (selected.Value.TryGetProperty("result", out JsonElement best)) // an empty text is an error in the original
                {
                    Assert.Equal(best[i].GetInt32(), SequenceRanker.Best(found, Penalty(selected.Name)));
                }
            }
        }
    }

    [Fact]
    public void The_ranker_picks_the_original_s_text()
    {
        int picked = 0;
        foreach (JsonElement testCase in Reference().GetProperty("ranker").EnumerateArray())
        {
            Candidate[] candidates = [.. Integers(testCase.GetProperty("lengths")).Zip(
                testCase.GetProperty("sum_logprobs").EnumerateArray(), (length, sum) => new Candidate(new int[length], sum.GetDouble(), new float[length]))];
            foreach (JsonProperty selected in testCase.GetProperty("selected").EnumerateObject())
            {
                if (selected.Value.TryGetProperty("result", out JsonElement best))
                {
                    Assert.Equal(best.GetInt32(), SequenceRanker.Best(candidates, Penalty(selected.Name)));
                    picked++;
                }
                else
                {
                    // The original divides by the length of an empty text. Ours is no error, and finds the best of the others.
                    Assert.Equal(3, SequenceRanker.Best(candidates, Penalty(selected.Name)));
                }
            }
        }

        Assert.True(picked >= 59, $"only {picked} were picked");
    }

    [Fact]
    public void A_complete_search_takes_no_more_tokens()
    {
        foreach (ISearch search in new ISearch[] { new GreedySearch(1, 4), new SamplingSearch(1e-6, 2, 0, 1, 4), new BeamSearch(1, null, 1, 4) })
        {
            search.Choose(new float[] { 0, 1, 0 }, 3);
            Assert.True(search.Completed);
            Assert.Throws<InvalidOperationException>(() => search.Choose(new float[] { 0, 1, 0 }, 3));
        }
    }

    [Fact]
    public void Where_everything_is_forbidden_the_text_ends()
    {
        foreach (ISearch search in new ISearch[] { new GreedySearch(1, 4), new SamplingSearch(0.7, 2, 0, 1, 4), new BeamSearch(3, null, 1, 4) })
        {
            search.Choose(new float[] { 0, float.NegativeInfinity, float.NegativeInfinity }, 3);
            float[] nothing = [.. Enumerable.Repeat(float.NegativeInfinity, 3 * search.OpenLanes.Length)];
            search.Choose(nothing, 3);
            Assert.True(search.Completed);
            Assert.All(search.Candidates(), candidate => Assert.Equal("0: 0", $"{string.Join(' ', candidate.Tokens)}: {candidate.SumLogProbability}"));
        }
    }

    private static double? Penalty(string name) => name == "None" ? null : double.Parse(name, System.Globalization.CultureInfo.InvariantCulture);

    private static IEnumerable<int> Integers(JsonElement list) => list.EnumerateArray().Select(item => item.GetInt32());

    private static JsonElement Reference() =>
        JsonDocument.Parse(File.ReadAllBytes(TestData.Path("reference", "decoding", "search.json"))).RootElement;

    private static float[] ToyLogits(JsonElement testCase, IReadOnlyList<int> tokens)
    {
        JsonElement toy = testCase.GetProperty("toy");
        int endOfText = toy.GetProperty("eot").GetInt32();
        string key = $"{testCase.GetProperty("name").GetString()}.{string.Join('-', tokens)}";
        float[] logits = new float[toy.GetProperty("n_vocab").GetInt32()];
        DeterministicValues.Fill(logits, key, toy.GetProperty("scale").GetDouble());
        logits[endOfText] = DeterministicValues.Value($"{key}.eot", 0, toy.GetProperty("eot_scale").GetDouble(), toy.GetProperty("eot_offset").GetDouble());
        foreach (JsonElement forbidden in toy.GetProperty("forbidden").EnumerateArray())
        {
            logits[forbidden.GetInt32()] = float.NegativeInfinity;
        }

        return logits;
    }
}
