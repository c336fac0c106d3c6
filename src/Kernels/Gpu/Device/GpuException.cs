namespace Handwritten.Kernels.Gpu;

/// <summary>A GPU cannot be used, or fails: the message says why and what to do.</summary>
public sealed class GpuException : Exception
{
    /// <summary>With the sentence that the user reads, and what caused it.</summary>
    public GpuException(string message, Exception? innerException = null)
        : base(message, innerException)
    {
    }

    /// <summary>
    /// Whether the device failed in mid-run: every further call of the back end fails as well. Dispose of it and open
    /// another; the process can go on.
    /// </summary>
    public bool IsDeviceLost { get; init; }

    /// <summary>Whether the device had too little free memory for what was asked: what it holds is unharmed.</summary>
    public bool IsOutOfMemory { get; init; }
}
