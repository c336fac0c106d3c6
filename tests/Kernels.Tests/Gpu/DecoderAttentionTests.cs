using Handwritten.Kernels.Gpu;
using Xunit;

namespace Handwritten.Kernels.Tests.Gpu;

/// <summary>Self- and cross-attention over caches, compared with the definition on the numbers that the compute type holds.</summary>
[Collection(nameof(GpuTests))]
public sealed class DecoderAttentionTests(GpuFixture gpu)
{
    private const int Heads = 3, Size = 64, Width = Heads * Size;

    [Theory]
    [MemberData(nameof(GpuFixture.All), MemberType = typeof(GpuFixture))]
    public void Prompts_and_steps_of_many_lanes_match_the_definition(string device, ComputeType type)
    {
        const int lanes = 18, length = 448;
        IKernels kernels = gpu.Open(device, type);
        using KeyValueCache cache = kernels.AllocateCache(lanes, length, Heads, Size);
        SelfAttentionModel model = new(lanes, length);
        int seed = 1;

        // A ragged prompt, steps in which lanes come and go, prompts and steps mixed, rows in any order of lanes, up to the last entry.
        (int Lane, int Position)[][] passes =
        [
            [.. Positions(3, 0, 17), .. Positions(0, 0, 1), .. Positions(4, 0, 40)],
            [(4, 40), (0, 1), (3, 17)],
            [(0, 2), .. Positions(1, 0, 13), (4, 41), .. Positions(17, 0, 5)],
            [(4, 42)],
            [(3, 0), (17, 5), (3, 1), (0, 3)],
            [.. Positions(5, 0, 446)],
            [(5, 446), (3, 2)],
            [.. Enumerable.Range(6, 11).Select(lane => (lane, 0)), (5, 447), (0, 4), (1, 13), (3, 3), (4, 43), (17, 6)],
        ];
        foreach ((int Lane, int Position)[] pass in passes)
        {
            (float[] x, float[] y) = AttendSelf(kernels, cache, pass, seed++);
            double[] expected = model.Run(pass, x);
            Assert.InRange(Reference.Distance(expected, y), 0, Tolerance.Of(type, expected));
        }
    }

    [Theory]
    [MemberData(nameof(GpuFixture.All), MemberType = typeof(GpuFixture))]
    public void A_prompt_in_one_pass_equals_its_tokens_one_by_one_bit_by_bit(string device, ComputeType type)
    {
        const int length = 37;
        IKernels kernels = gpu.Open(device, type);
        float[] x = Queries(3, length, 3 * Width);
        using KeyValueCache cache = kernels.AllocateCache(2, length, Heads, Size), other = kernels.AllocateCache(2, length, Heads, Size);
        float[] together = AttendSelf(kernels, cache, [.. Positions(1, 0, length)], x);
        for (int t = 0; t < length; t++)
        {
            float[] alone = AttendSelf(kernels, other, [(0, t)], x[(t * 3 * Width)..((t + 1) * 3 * Width)]);
            Assert.Equal(together[(t * Width)..((t + 1) * Width)], alone);
        }
    }

    [Theory]
    [MemberData(nameof(GpuFixture.All), MemberType = typeof(GpuFixture))]
    public void Sequences_that_share_their_pasts_attend_as_if_each_had_its_own_bit_by_bit(string device, ComputeType type)
    {
        const int beams = 3, prompt = 20, steps = 12, length = prompt + steps;
        IKernels kernels = gpu.Open(device, type);
        using KeyValueCache shared = kernels.AllocateCache(beams + 1, length, Heads, Size), own = kernels.AllocateCache(1, length, Heads, Size);
        using DecoderRows rows = kernels.AllocateRows(length, beams + 1, length);

        // Lane 0 is somebody else's. The prompt is in lane 1; all beams begin with it.
        float[] x = Queries(1, prompt, 3 * Width);
        AttendSelf(kernels, rows, shared, [.. Positions(1, 0, prompt)], x);
        rows.Continue(1, [0, 0, 0], prompt);
        float[][] sequences = [.. Enumerable.Repeat(x, beams)];
        Random random = new(7);
        for (int step = 0; step < steps; step++)
        {
            float[] next = Queries(2 + step, beams, 3 * Width);
            float[] together = AttendSelf(kernels, rows, shared, [.. Enumerable.Range(1, beams).Select(lane => (lane, prompt + step))], next);
            for (int beam = 0; beam < beams; beam++)
            {
                sequences[beam] = [.. sequences[beam], .. next[(beam * 3 * Width)..((beam + 1) * 3 * Width)]];
                float[] alone = AttendSelf(kernels, own, [.. Positions(0, 0, prompt + step + 1)], sequences[beam]);
                Assert.Equal(alone[^Width..], together[(beam * Width)..((beam + 1) * Width)]);
            }

            int[] parents = [.. Enumerable.Range(0, beams).Select(_ => random.Next(beams))];
            rows.Continue(1, parents, prompt + step + 1);
            sequences = [.. parents.Select(parent => sequences[parent])];
        }
    }

    [Theory]
    [MemberData(nameof(GpuFixture.All), MemberType = typeof(GpuFixture))]
    public void Cross_attention_matches_the_definition_and_does_not_depend_on_the_company(string device, ComputeType type)
    {
        foreach (int length in new[] { 1, 129, 1500 })
        {
            const int windows = 4;
            IKernels kernels = gpu.Open(device, type);
            using KeyValueCache cache = kernels.AllocateCache(windows, length, Heads, Size);
            using Tensor keyValue = Make.Device(kernels, Array.ConvertAll(Make.Values(5, 3, length, 2 * Width), v => v * 2), 3, length, 2 * Width);
            kernels.StoreKeysValues(keyValue, cache, 3, 0, 2);
            double[] stored = Reference.Double(Make.Read(kernels, keyValue, 3 * length * 2 * Width));

            int[] windowOfRow = [0, 0, 3, 2, 0, 3, 3, 2, 2, 0, 0, 0, 0, 3, 0, 2, 3];
            (float[] x, float[] y) = AttendCross(kernels, cache, windowOfRow, Queries(7, windowOfRow.Length, Width));
            double[] expected = CrossAttention(Reference.Double(x), stored, [1, -1, 2, 0], windowOfRow, length);
            Assert.InRange(Reference.Distance(expected, y), 0, Tolerance.Of(type, expected));

            foreach (int row in new[] { 0, 2, 16 })
            {
                float[] alone = AttendCross(kernels, cache, [windowOfRow[row]], x[(row * Width)..((row + 1) * Width)]).Y;
                Assert.Equal(y[(row * Width)..((row + 1) * Width)], alone);
            }
        }
    }

    [Fact]
    public void A_prompt_longer_than_one_launch_of_cross_attention_is_attended_like_its_rows()
    {
        const int length = 140, rows = 131;
        IKernels kernels = gpu.Open("h200", ComputeType.Float16);
        using KeyValueCache cache = kernels.AllocateCache(2, length, Heads, Size);
        using Tensor keyValue = Make.Device(kernels, Make.Values(5, length, 2 * Width), 1, length, 2 * Width);
        kernels.StoreKeysValues(keyValue, cache, 1);
        float[] x = Queries(7, rows, Width);
        float[] y = AttendCross(kernels, cache, [.. Enumerable.Repeat(1, rows)], x).Y;
        foreach (int row in new[] { 63, 64, 128, 130 })
        {
            Assert.Equal(y[(row * Width)..((row + 1) * Width)], AttendCross(kernels, cache, [1], x[(row * Width)..((row + 1) * Width)]).Y);
        }
    }

    [Theory]
    [MemberData(nameof(GpuFixture.All), MemberType = typeof(GpuFixture))]
    public void Cross_attention_weights_match_the_definition(string device, ComputeType type)
    {
        foreach (int length in new[] { 1, 75, 1500 })
        {
            const int windows = 2, head = 1;
            IKernels kernels = gpu.Open(device, type);
            using KeyValueCache cache = kernels.AllocateCache(windows, length, Heads, Size);
            using Tensor keyValue = Make.Device(kernels, Array.ConvertAll(Make.Values(1, windows, length, 2 * Width), v => v * 3), windows, length, 2 * Width);
            kernels.StoreKeysValues(keyValue, cache, 0, 1);
            double[] stored = Reference.Double(Make.Read(kernels, keyValue, windows * length * 2 * Width));
            using DecoderRows rows = kernels.AllocateRows(5);
            while (rows.Count < rows.Capacity)
            {
                rows.Add(0, rows.Count, 0, rows.Count % 3 / 2, false);
            }

            Upload(kernels, rows);
            using Tensor query = Make.Device(kernels, Queries(2, rows.Count, Width), rows.Count, Width), weights = kernels.AllocateSingle(rows.Count, length);
            kernels.CrossAttentionWeights(rows, query, cache, head, weights);
            double[] x = Reference.Double(Make.Read(kernels, query, rows.Count * Width)), expected = new double[rows.Count * length];
            for (int row = 0; row < rows.Count; row++)
            {
                Span<double> line = expected.AsSpan(row * length, length);
                double sum = 0;
                for (int t = 0; t < length; t++)
                {
                    double score = 0;
                    for (int i = head * Size; i < (head + 1) * Size; i++)
                    {
                        score += x[(row * Width) + i] * stored[(((rows.Windows[row] * length) + t) * 2 * Width) + i];
                    }

                    sum += line[t] = Math.Exp(score / 8);
                }

                foreach (ref double weight in line)
                {
                    weight /= sum;
                }
            }

            Assert.InRange(Reference.Distance(expected, Make.Read(kernels, weights, expected.Length)), 0, 3e-6);
        }
    }

    [Fact]
    public void Heads_of_another_size_are_refused_with_a_sentence()
    {
        IKernels kernels = gpu.Open("h200", ComputeType.Float16);
        Assert.StartsWith(
            "The CUDA back end has attention heads of 64 elements, as all Whisper models have, not of 20.",
            Assert.Throws<ArgumentException>(() => kernels.AllocateCache(1, 10, 3, 20)).Message);
    }

    private static float[] Queries(int seed, params int[] shape) => Array.ConvertAll(Make.Values(seed, shape), v => v * 3);

    private static IEnumerable<(int Lane, int Position)> Positions(int lane, int first, int count) =>
        Enumerable.Range(first, count).Select(position => (lane, position));

    private static (float[] X, float[] Y) AttendSelf(IKernels kernels, KeyValueCache cache, (int Lane, int Position)[] pass, int seed)
    {
        float[] values = Queries(seed, pass.Length, 3 * Width);
        using Tensor rounded = Make.Device(kernels, values, pass.Length, 3 * Width);
        float[] x = Make.Read(kernels, rounded, values.Length);
        return (x, AttendSelf(kernels, cache, pass, x));
    }

    private static float[] AttendSelf(IKernels kernels, KeyValueCache cache, (int Lane, int Position)[] pass, float[] x)
    {
        using DecoderRows rows = kernels.AllocateRows(pass.Length);
        return AttendSelf(kernels, rows, cache, pass, x);
    }

    private static float[] AttendSelf(IKernels kernels, DecoderRows rows, KeyValueCache cache, (int Lane, int Position)[] pass, float[] x)
    {
        rows.Clear();
        foreach ((int lane, int position) in pass)
        {
            rows.Add(0, lane, position, 0, false);
        }

        Upload(kernels, rows);
        using Tensor input = Make.Device(kernels, x, pass.Length, 3 * Width), y = kernels.Allocate(pass.Length, Width);
        kernels.AttendSelf(rows, input, cache, y);
        return Make.Read(kernels, y, pass.Length * Width);
    }

    private static (float[] X, float[] Y) AttendCross(IKernels kernels, KeyValueCache cache, int[] windowOfRow, float[] x)
    {
        using DecoderRows rows = kernels.AllocateRows(windowOfRow.Length);
        foreach (int window in windowOfRow)
        {
            rows.Add(0, rows.Count, 0, window, false);
        }

        Upload(kernels, rows);
        using Tensor query = Make.Device(kernels, x, rows.Count, Width), y = kernels.Allocate(rows.Count, Width);
        kernels.AttendCross(rows, query, cache, y);
        return (Make.Read(kernels, query, x.Length), Make.Read(kernels, y, x.Length));
    }

    /// <summary>A pass begins with its embedding, which brings the rows to the device.</summary>
    private static void Upload(IKernels kernels, DecoderRows rows)
    {
        using Tensor tokens = Make.Matrix(kernels, new float[8], 1, 8), positions = Make.Table(kernels, new float[448 * 8], 448, 8), x = kernels.AllocateSingle(rows.Count, 8);
        kernels.Embed(rows, tokens, positions, x);
    }

    /// <summary>The definition; <paramref name="source"/> tells which of the stored windows each window of the cache is.</summary>
    private static double[] CrossAttention(double[] x, double[] stored, int[] source, int[] windowOfRow, int length)
    {
        double[] expected = new double[x.Length];
        for (int row = 0; row < windowOfRow.Length; row++)
        {
            int first = source[windowOfRow[row]] * length;
            for (int head = 0; head < Heads; head++)
            {
                int column = head * Size;
                Reference.Attend(
                    x.AsSpan((row * Width) + column, Size),
                    (t, i) => stored[((first + t) * 2 * Width) + column + i],
                    (t, i) => stored[((((first + t) * 2) + 1) * Width) + column + i],
                    length,
                    Size).CopyTo(expected, (row * Width) + column);
            }
        }

        return expected;
    }

    /// <summary>Remembers keys and values as the definition has them: [lane, position, width].</summary>
    private sealed class SelfAttentionModel(int lanes, int length)
    {
        private readonly double[,,] _keys = new double[lanes, length, Width];
        private readonly double[,,] _values = new double[lanes, length, Width];

        public double[] Run((int Lane, int Position)[] rows, float[] queryKeyValue)
        {
            double[] exact = Reference.Double(queryKeyValue), y = new double[rows.Length * Width];
            for (int row = 0; row < rows.Length; row++)
            {
                (int lane, int position) = rows[row];
                for (int i = 0; i < Width; i++)
                {
                    _keys[lane, position, i] = exact[(((row * 3) + 1) * Width) + i];
                    _values[lane, position, i] = exact[(((row * 3) + 2) * Width) + i];
                }

                for (int head = 0; head < Heads; head++)
                {
                    int column = head * Size;
                    Reference.Attend(
                        exact.AsSpan((row * 3 * Width) + column, Size),
                        (t, i) => _keys[lane, t, column + i],
                        (t, i) => _values[lane, t, column + i],
                        position + 1,
                        Size).CopyTo(y, (row * Width) + column);
                }
            }

            return y;
        }
    }
}
