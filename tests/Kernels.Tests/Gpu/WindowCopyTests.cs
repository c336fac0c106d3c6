using Handwritten.Kernels.Gpu;
using Xunit;

namespace Handwritten.Kernels.Tests.Gpu;

[Collection(nameof(GpuTests))]
public sealed class WindowCopyTests(GpuFixture gpu)
{
    [Theory]
    [MemberData(nameof(GpuFixture.All), MemberType = typeof(GpuFixture))]
    public void Frames_are_copied_and_zeros_follow_them(string device, ComputeType type)
    {
        const int windows = 3, frames = 37, mels = 80, recorded = 90;
        IKernels kernels = gpu.Open(device, type);
        float[] values = Make.Rounded(type, Make.Values(1, recorded, mels)), before = Make.Rounded(type, Make.Values(2, windows, frames, mels));
        using Tensor mel = kernels.AllocateSingle(recorded, mels), batch = Make.Device(kernels, before, windows, frames, mels);
        kernels.Write(values, mel);
        foreach ((int first, int count, int index) in new[] { (0, frames, 0), (recorded - 11, 11, 1), (13, 0, 1), (recorded - 1, 1, 2), (5, 36, 2) })
        {
            kernels.CopyWindow(mel, first, count, batch, index);
            values.AsSpan(first * mels, count * mels).CopyTo(before.AsSpan(index * frames * mels));
            before.AsSpan(((index * frames) + count) * mels, (frames - count) * mels).Clear();
            Assert.Equal(before, Make.Read(kernels, batch, before.Length));
        }
    }
}
