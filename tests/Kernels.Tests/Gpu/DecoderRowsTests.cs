using Handwritten.Kernels.Gpu;
using Xunit;

namespace Handwritten.Kernels.Tests.Gpu;

/// <summary>How a decoder pass begins and ends: tokens become rows, and rows whose logits are wanted are picked out.</summary>
[Collection(nameof(GpuTests))]
public sealed class DecoderRowsTests(GpuFixture gpu)
{
    [Theory]
    [MemberData(nameof(GpuFixture.All), MemberType = typeof(GpuFixture))]
    public void Rows_are_embedded_and_gathered(string device, ComputeType type)
    {
        const int vocabulary = 51, positions = 20, width = 192, count = 17;
        IKernels kernels = gpu.Open(device, type);
        float[] tokenTable = Make.Values(1, vocabulary, width), positionTable = Make.Values(2, positions, width);
        using Tensor tokens = Make.Matrix(kernels, tokenTable, vocabulary, width), places = Make.Table(kernels, positionTable, positions, width);
        using Tensor x = kernels.AllocateSingle(count + 1, width), y = kernels.AllocateSingle(count, width);
        using DecoderRows rows = kernels.AllocateRows(count + 1);
        for (int row = 0; row < count; row++)
        {
            rows.Add((row * 22) % vocabulary, row, (row * 7) % positions, 0, row % 3 == 1);
        }

        kernels.Embed(rows, tokens, places, x);
        kernels.GatherOutputs(rows, x, y);

        float[] rounded = Make.Read(kernels, tokens, tokenTable.Length), embedded = Make.Read(kernels, x, count * width), gathered = Make.Read(kernels, y, rows.OutputCount * width);
        for (int row = 0; row < count; row++)
        {
            for (int i = 0; i < width; i++)
            {
                Assert.Equal(rounded[(rows.Tokens[row] * width) + i] + positionTable[(rows.Positions[row] * width) + i], embedded[(row * width) + i]);
            }
        }

        Assert.Equal([1, 4, 7, 10, 13, 16], rows.Outputs.ToArray());
        for (int i = 0; i < rows.OutputCount; i++)
        {
            Assert.Equal(embedded.AsSpan(rows.Outputs[i] * width, width), gathered.AsSpan(i * width, width));
        }
    }
}
