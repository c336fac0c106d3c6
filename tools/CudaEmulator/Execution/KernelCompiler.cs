using Handwritten.CudaEmulator.Ptx;

namespace Handwritten.CudaEmulator.Execution;

internal static class KernelCompiler
{
    public static KernelCode Compile(PtxModule module, PtxFunction entry, Dictionary<string, ulong> addresses) => throw new PtxException(entry.Line, "not yet");
}
