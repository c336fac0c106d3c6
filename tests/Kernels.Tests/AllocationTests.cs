using Handwritten.Kernels.Cpu;
using Xunit;

namespace Handwritten.Kernels.Tests;

[Collection(nameof(QuietProcess))]
public class AllocationTests
{
    [Theory]
    [InlineData(1, false, false)]
    [InlineData(2, false, false)]
    [InlineData(2, true, false)]
    [InlineData(1, false, true)]
    [InlineData(2, false, true)]
    public void A_decoder_step_allocates_nothing(int threads, bool hasInt8Weights, bool ranks)
    {
        const int ranked = 3, lanes = 3, heads = 2, size = 64, width = heads * size, tokens = 500, length = 60, frames = 600;
        using CpuKernels kernels = new(threads, hasInt8Weights);
        using Linear table = Make.Linear(kernels, 1, DType.F16, tokens, width, null).Linear;
        using Linear joined = Make.Linear(kernels, 2, DType.F16, 3 * width, width, Make.Values(3, 3 * width)).Linear;
        using Linear wide = Make.Linear(kernels, 4, DType.BF16, 4 * width, width, Make.Values(5, 4 * width)).Linear;
        using Linear back = Make.Linear(kernels, 6, DType.F32, width, 4 * width, null).Linear;
        using Norm norm = new(Make.Table(kernels, Make.Values(7, width), width), Make.Table(kernels, Make.Values(8, width), width));
        using Tensor positions = Make.Table(kernels, Make.Values(9, length, width), length, width), keyValue = kernels.Allocate(frames, 2 * width);
        using Tensor x = kernels.Allocate(lanes, width), normal = kernels.Allocate(lanes, width), y = kernels.Allocate(lanes, width);
        using Tensor queryKeyValue = kernels.Allocate(lanes, 3 * width), hidden = kernels.Allocate(lanes, 4 * width), logits = kernels.Allocate(lanes, tokens);
        using KeyValueCache self = kernels.AllocateCache(lanes, length, heads, size), cross = kernels.AllocateCache(1, frames, heads, size);
        kernels.StoreKeysValues(keyValue, cross, 0);
        using TokenChoice choice = kernels.AllocateChoice(lanes, length, tokens);
        ChoiceRules rules = new() { EndOfText = 0, NoSpeech = 1, MaxTokens = length, Never = [0, 7], NeverFirst = [9], Timestamps = new(400, 399, 50) };
        kernels.StartChoice(choice, rules, 0);
        kernels.StartChoice(choice, rules with { Temperature = 0.7, Timestamps = null }, 2);
        DecoderRows rows = new(lanes, lanes, length);
        float[] host = new float[lanes * tokens], best = new float[lanes * ranked];
        int[] bestTokens = new int[lanes * ranked], history = new int[length];

        void Step(int position)
        {
            rows.Clear();
            if (ranks && position > 0)
            {
                rows.Continue(0, [0, 0, 1], position);
            }

            for (int lane = 0; lane < lanes; lane++)
            {
                rows.Add(lane, lane, position, 0, wantsLogits: lane != 1);
            }

            kernels.Embed(rows, table.Weight, positions, x);
            kernels.LayerNorm(lanes, x, norm, normal);
            kernels.MatMul(lanes, normal, joined, queryKeyValue);
            kernels.AttendSelf(rows, queryKeyValue, self, y);
            kernels.AttendCross(rows, y, cross, normal);
            kernels.MatMul(lanes, normal, wide, hidden, Epilogue.Gelu);
            kernels.MatMul(lanes, hidden, back, x, Epilogue.AddToOutput);
            kernels.GatherOutputs(rows, x, y);
            kernels.MatMul(rows.OutputCount, y, table, logits);
            kernels.Read(logits, host.AsSpan(0, rows.OutputCount * tokens));
            if (ranks)
            {
                kernels.WriteChoice(choice, 0, history.AsSpan(0, position));
                kernels.WriteChoice(choice, 2, history.AsSpan(0, position));
                kernels.TopTokens(rows, logits, choice, ranked, bestTokens, best);
                history[position] = bestTokens[0];
            }
            else
            {
                kernels.Choose(rows, logits, choice);
                kernels.ReadChoice(choice);
            }
        }

        for (int position = 0; position < 20; position++)
        {
            Step(position);
        }

        // The runtime itself allocates now and then (tiering, timers): the smallest of several steps is the kernels' own.
        long own = long.MaxValue, process = long.MaxValue;
        for (int position = 20; position < length; position++)
        {
            long ownBefore = GC.GetAllocatedBytesForCurrentThread(), processBefore = GC.GetTotalAllocatedBytes(precise: true);
            Step(position);
            process = Math.Min(process, GC.GetTotalAllocatedBytes(precise: true) - processBefore);
            own = Math.Min(own, GC.GetAllocatedBytesForCurrentThread() - ownBefore);
        }

        Assert.Equal(length, ranks ? history.Count(token => token > 0) : choice.Tokens(2).Length);
        Assert.Equal(0, own);
        Assert.Equal(0, process);
    }
}
