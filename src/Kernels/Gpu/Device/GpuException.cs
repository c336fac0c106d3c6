namespace Handwritten.Kernels.Gpu;

/// <summary>A GPU cannot be used, or fails: the message says why and what to do.</summary>
public sealed class GpuException : Exception
{
    /// <summary>With the sentence that the user reads.</summary>
    public GpuException(string message)
        : base(message)
    {
    }

    /// <summary>With the sentence that the user reads and what caused it.</summary>
    public GpuException(string message, Exception innerException)
        : base(message, innerException)
    {
    }
}
