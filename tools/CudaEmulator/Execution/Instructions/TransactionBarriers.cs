namespace Handwritten.CudaEmulator.Execution;

internal static class TransactionBarriers
{
    public static readonly InstructionTable Table = [];
}
