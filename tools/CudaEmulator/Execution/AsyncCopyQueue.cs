namespace Handwritten.CudaEmulator.Execution;

/// <summary>Copies of cp.async that are under way.</summary>
internal sealed class AsyncCopyQueue
{
    public void Clear()
    {
    }
}
