namespace Handwritten.CudaEmulator.Execution;

internal static class MatrixMoves
{
    public static readonly InstructionTable Table = [];
}
