namespace Handwritten.CudaEmulator.Execution;

internal static class MatrixMultiply
{
    public static readonly InstructionTable Table = [];
}
