using Handwritten.Kernels.Cpu;
using Xunit;

namespace Handwritten.Kernels.Tests;

public class DecoderAttentionTests
{
    public static TheoryData<int> Widths => Make.Widths;

    [Theory]
    [MemberData(nameof(Widths))]
    public void Prompts_and_steps_of_many_lanes_match_the_definition(int bits)
    {
        const int lanes = 5, length = 70, heads = 3, size = 20, width = heads * size;
        using CpuKernels kernels = new(2, bits);
        using KeyValueCache cache = kernels.AllocateCache(lanes, length, heads, size);
        SelfAttentionModel model = new(lanes, length, heads, size);
        int seed = 1;

        // A ragged prompt, then steps in which lanes come and go, then a second prompt into a lane that is in use.
        (int Lane, int Position)[][] passes =
        [
            [.. Positions(3, 0, 17), .. Positions(0, 0, 1), .. Positions(4, 0, 40)],
            [(3, 17), (0, 1), (4, 40)],
            [(0, 2), .. Positions(1, 0, 13), (4, 41)],
            [(4, 42)],
            [(3, 0), (3, 1), (0, 3)],
            [(3, 2), (4, 43), (1, 13), (0, 4)],
        ];
        foreach ((int Lane, int Position)[] pass in passes)
        {
            DecoderRows rows = new(pass.Length);
            foreach ((int lane, int position) in pass)
            {
                rows.Add(0, lane, position, 0, false);
            }

            float[] x = Array.ConvertAll(Make.Values(seed++, rows.Count, 3 * width), v => v * 3);
            using Tensor input = Make.Device(kernels, x, rows.Count, 3 * width), y = kernels.Allocate(rows.Count, width);
            kernels.AttendSelf(rows, input, cache, y);
            Assert.InRange(Reference.Distance(model.Run(pass, x), Make.Read(kernels, y, rows.Count * width)), 0, 1e-5);
        }
    }

    [Theory]
    [MemberData(nameof(Widths))]
    public void Cross_attention_matches_the_definition(int bits)
    {
        const int windows = 3, heads = 2, size = 64, width = heads * size;
        foreach (int length in new[] { 1, 40, 600, 1500 })
        {
            using CpuKernels kernels = new(2, bits);
            using KeyValueCache cache = kernels.AllocateCache(windows, length, heads, size);
            double[][] stored = new double[windows][];
            for (int window = 0; window < windows; window++)
            {
                float[] values = Array.ConvertAll(Make.Values(window, length, 2 * width), v => v * 2);
                stored[window] = Reference.Double(values);
                using Tensor keyValue = Make.Device(kernels, values, length, 2 * width);
                kernels.StoreKeysValues(keyValue, cache, window);
            }

            int[] windowOfRow = [0, 0, 0, 2, 1, 1, 0, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2];
            DecoderRows rows = new(windowOfRow.Length);
            foreach (int window in windowOfRow)
            {
                rows.Add(0, rows.Count, 0, window, false);
            }

            float[] x = Array.ConvertAll(Make.Values(7, rows.Count, width), v => v * 3);
            using Tensor query = Make.Device(kernels, x, rows.Count, width), y = kernels.Allocate(rows.Count, width);
            kernels.AttendCross(rows, query, cache, y);
            double[] exact = Reference.Double(x), expected = new double[rows.Count * width];
            for (int row = 0; row < rows.Count; row++)
            {
                double[] memory = stored[windowOfRow[row]];
                for (int head = 0; head < heads; head++)
                {
                    int column = head * size;
                    Reference.Attend(
                        exact.AsSpan((row * width) + column, size),
                        (t, i) => memory[(t * 2 * width) + column + i],
                        (t, i) => memory[(((t * 2) + 1) * width) + column + i],
                        length,
                        size).CopyTo(expected, (row * width) + column);
                }
            }

            Assert.InRange(Reference.Distance(expected, Make.Read(kernels, y, rows.Count * width)), 0, 1e-5);
        }
    }

    [Theory]
    [MemberData(nameof(Widths))]
    public void Cross_attention_weights_match_the_definition(int bits)
    {
        const int windows = 2, length = 75, heads = 3, size = 20, width = heads * size, head = 1;
        using CpuKernels kernels = new(2, bits);
        using KeyValueCache cache = kernels.AllocateCache(windows, length, heads, size);
        float[] stored = Array.ConvertAll(Make.Values(1, windows, length, 2 * width), v => v * 3);
        using Tensor keyValue = Make.Device(kernels, stored, windows, length, 2 * width);
        kernels.StoreKeysValues(keyValue, cache, 0, 1);
        DecoderRows rows = new(40);
        while (rows.Count < rows.Capacity)
        {
            rows.Add(0, rows.Count, 0, rows.Count % 3 / 2, false);
        }

        float[] x = Array.ConvertAll(Make.Values(2, rows.Count, width), v => v * 3);
        using Tensor query = Make.Device(kernels, x, rows.Count, width), weights = kernels.Allocate(rows.Count, length);
        kernels.CrossAttentionWeights(rows, query, cache, head, weights);
        double[] expected = new double[rows.Count * length];
        for (int row = 0; row < rows.Count; row++)
        {
            Span<double> line = expected.AsSpan(row * length, length);
            for (int t = 0; t < length; t++)
            {
                double score = 0;
                for (int i = head * size; i < (head + 1) * size; i++)
                {
                    score += (double)x[(row * width) + i] * stored[(((rows.Windows[row] * length) + t) * 2 * width) + i];
                }

                line[t] = Math.Exp(score / Math.Sqrt(size));
            }

            double sum = 0;
            foreach (double weight in line)
            {
                sum += weight;
            }

            foreach (ref double weight in line)
            {
                weight /= sum;
            }
        }

        Assert.InRange(Reference.Distance(expected, Make.Read(kernels, weights, expected.Length)), 0, 3e-6);
    }

    [Fact]
    public void A_prompt_in_one_pass_equals_its_tokens_one_by_one_bit_by_bit()
    {
        const int length = 40, heads = 2, size = 64, width = heads * size;
        float[] x = Make.Values(3, length, 3 * width);
        using CpuKernels kernels = new(2), single = new(1);
        using KeyValueCache cache = kernels.AllocateCache(2, length, heads, size), other = single.AllocateCache(2, length, heads, size);
        DecoderRows prompt = new(length);
        for (int t = 0; t < length; t++)
        {
            prompt.Add(0, 1, t, 0, false);
        }

        using Tensor all = Make.Device(kernels, x, length, 3 * width), y = kernels.Allocate(length, width);
        kernels.AttendSelf(prompt, all, cache, y);
        float[] together = Make.Read(kernels, y, length * width);
        for (int t = 0; t < length; t++)
        {
            DecoderRows step = new(1);
            step.Add(0, 1, t, 0, false);
            using Tensor row = Make.Device(single, x[(t * 3 * width)..((t + 1) * 3 * width)], 1, 3 * width), result = single.Allocate(1, width);
            single.AttendSelf(step, row, other, result);
            Assert.Equal(together[(t * width)..((t + 1) * width)], Make.Read(single, result, width));
        }
    }

    [Fact]
    public void Sequences_that_share_their_pasts_attend_as_if_each_had_its_own_bit_by_bit()
    {
        const int beams = 4, prompt = 30, steps = 50, length = prompt + steps, heads = 2, size = 40, width = heads * size;
        using CpuKernels kernels = new(2);
        using KeyValueCache shared = kernels.AllocateCache(beams + 1, length, heads, size), own = kernels.AllocateCache(1, length, heads, size);
        using DecoderRows rows = kernels.AllocateRows(length, beams + 1, length);

        // Lane 0 is somebody else's. The prompt is in lane 1; all beams begin with it.
        float[] x = Make.Values(1, prompt, 3 * width);
        for (int t = 0; t < prompt; t++)
        {
            rows.Add(0, 1, t, 0, false);
        }

        using Tensor first = Make.Device(kernels, x, prompt, 3 * width), y = kernels.Allocate(length, width);
        kernels.AttendSelf(rows, first, shared, y);
        rows.Continue(1, [0, 0, 0, 0], prompt);
        float[][] sequences = [.. Enumerable.Repeat(x, beams)];
        Random random = new(7);
        for (int step = 0; step < steps; step++)
        {
            rows.Clear();
            float[] next = Make.Values(2 + step, beams, 3 * width);
            for (int beam = 0; beam < beams; beam++)
            {
                rows.Add(0, 1 + beam, prompt + step, 0, false);
                sequences[beam] = [.. sequences[beam], .. next[(beam * 3 * width)..((beam + 1) * 3 * width)]];
            }

            using Tensor input = Make.Device(kernels, next, beams, 3 * width);
            kernels.AttendSelf(rows, input, shared, y);
            float[] together = Make.Read(kernels, y, beams * width);
            for (int beam = 0; beam < beams; beam++)
            {
                int entries = prompt + step + 1;
                DecoderRows alone = new(entries);
                Enumerable.Range(0, entries).ToList().ForEach(t => alone.Add(0, 0, t, 0, false));
                using Tensor whole = Make.Device(kernels, sequences[beam], entries, 3 * width), result = kernels.Allocate(entries, width);
                kernels.AttendSelf(alone, whole, own, result);
                Assert.Equal(Make.Read(kernels, result, entries * width)[^width..], together[(beam * width)..((beam + 1) * width)]);
            }

            // Now and then all go on from one, now and then they only change places.
            int[] parents = step % 10 == 9 ? [2, 2, 2, 2] : step % 7 == 3 ? [3, 2, 1, 0] : [.. Enumerable.Range(0, beams).Select(_ => random.Next(beams))];
            rows.Continue(1, parents, prompt + step + 1);
            sequences = [.. parents.Select(parent => sequences[parent])];
        }
    }

    [Fact]
    public void Entries_outside_the_cache_are_refused_with_a_sentence()
    {
        using CpuKernels kernels = new(1);
        using KeyValueCache cache = kernels.AllocateCache(2, 10, 1, 4);
        using Tensor input = kernels.Allocate(1, 12), y = kernels.Allocate(1, 4);
        DecoderRows rows = new(1);
        rows.Add(0, 1, 10, 0, false);
        Assert.Equal(
            "Entry 10 of lane 1 is outside a cache of 2 lanes of 10 entries.",
            Assert.Throws<ArgumentException>(() => kernels.AttendSelf(rows, input, cache, y)).Message);
    }

    private static IEnumerable<(int Lane, int Position)> Positions(int lane, int first, int count) =>
        Enumerable.Range(first, count).Select(position => (lane, position));

    /// <summary>Remembers keys and values as the definition has them: [lane][position][width].</summary>
    private sealed class SelfAttentionModel(int lanes, int length, int heads, int size)
    {
        private readonly double[,,] _keys = new double[lanes, length, heads * size];
        private readonly double[,,] _values = new double[lanes, length, heads * size];

        public double[] Run((int Lane, int Position)[] rows, float[] queryKeyValue)
        {
            int width = heads * size;
            double[] exact = Reference.Double(queryKeyValue), y = new double[rows.Length * width];
            for (int row = 0; row < rows.Length; row++)
            {
                (int lane, int position) = rows[row];
                for (int i = 0; i < width; i++)
                {
                    _keys[lane, position, i] = exact[(((row * 3) + 1) * width) + i];
                    _values[lane, position, i] = exact[(((row * 3) + 2) * width) + i];
                }

                for (int head = 0; head < heads; head++)
                {
                    int column = head * size;
                    Reference.Attend(
                        exact.AsSpan((row * 3 * width) + column, size),
                        (t, i) => _keys[lane, t, column + i],
                        (t, i) => _values[lane, t, column + i],
                        position + 1,
                        size).CopyTo(y, (row * width) + column);
                }
            }

            return y;
        }
    }
}
