using Handwritten.CudaEmulator.Ptx;
using ILGPU;
using ILGPU.Runtime.Cuda;
using Xunit;

namespace Handwritten.CudaEmulator.Tests.Ptx;

public sealed class IlgpuPtxTests
{
    [Theory]
    [InlineData(OptimizationLevel.O2, false)]
    [InlineData(OptimizationLevel.O0, true)]
    public void Whatever_ILGPU_compiles_is_understood(OptimizationLevel level, bool debug)
    {
        IReadOnlyDictionary<string, string> texts = debug || level != OptimizationLevel.O2
            ? OfflineCompiler.Compile(level, debug, CudaArchitecture.SM_80, CudaInstructionSet.ISA_78)
            : OfflineCompiler.Usual;
        Assert.True(texts.Count >= 30, $"only {texts.Count} kernels");
        if (Environment.GetEnvironmentVariable("PTX_DUMP") is { } dump) { foreach ((string n, string t) in texts) { File.WriteAllText(Path.Combine(dump, $"{level}_{n}.ptx"), t); } }
        foreach ((string name, string text) in texts)
        {
            PtxModule module = PtxParser.Parse(text);
            Assert.Single(module.Functions, function => function.IsEntry);
        }
    }
}
