namespace Handwritten.CudaEmulator.Execution;

internal static class AsyncCopies
{
    public static readonly InstructionTable Table = [];
}
