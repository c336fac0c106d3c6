using Handwritten.Kernels;

namespace Handwritten.Model;

/// <summary>Named tensors: a checkpoint on disk, or weights made up on the fly.</summary>
public interface ITensorSource : IDisposable
{
    /// <summary>Where the tensors come from, for messages: a path, or what generates them.</summary>
    string Origin { get; }

    /// <summary>The names of all tensors, in ascending ordinal order.</summary>
    IReadOnlyList<string> Names { get; }

    /// <summary>Whether the tensor exists.</summary>
    bool Contains(string name);

    /// <summary>What a tensor is, without its bytes.</summary>
    /// <exception cref="ModelException">There is no such tensor.</exception>
    TensorInfo Describe(string name);

    /// <summary>A tensor's bytes. Dispose it when they have been used.</summary>
    /// <exception cref="ModelException">There is no such tensor.</exception>
    HostTensor Open(string name);
}
