namespace Handwritten.CudaEmulator.Execution;

internal static class Atomics
{
    public static readonly InstructionTable Table = [];
}
