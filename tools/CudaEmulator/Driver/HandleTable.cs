using System.Collections.Concurrent;
using Handwritten.CudaEmulator.Device;

namespace Handwritten.CudaEmulator.Driver;

/// <summary>
/// The handles that programs hold: CUcontext, CUstream, CUevent, CUmodule, CUfunction, CUgraph, CUgraphNode, CUgraphExec.
/// A handle is a number, looked up at every use and never given out twice, so that a stale or invented one is always found
/// out, and no program can reach an object of the driver by arithmetic.
/// </summary>
internal sealed class HandleTable
{
    // The first numbers are taken: 0 is the null handle, 1 and 2 name the default streams.
    private const long First = 0x10000, Step = 0x10;

    private readonly ConcurrentDictionary<nint, object> _objects = new();
    private long _last = First;

    /// <summary>A new handle for an object.</summary>
    public nint Add(object value)
    {
        nint handle = (nint)Interlocked.Add(ref _last, Step);
        _objects[handle] = value;
        return handle;
    }

    /// <summary>What a handle stands for.</summary>
    /// <exception cref="CudaException">
    /// It stands for nothing, or for something else: InvalidContext for a context, else InvalidHandle.
    /// </exception>
    public T Get<T>(nint handle) where T : class =>
        _objects.GetValueOrDefault(handle) as T ?? throw Unknown<T>(handle);

    /// <summary>Takes a handle out of use.</summary>
    /// <returns>What it stood for.</returns>
    /// <exception cref="CudaException">As for <see cref="Get"/>.</exception>
    public T Remove<T>(nint handle) where T : class
    {
        T value = Get<T>(handle);
        // Of two threads that destroy the same handle one comes too late.
        return _objects.TryRemove(handle, out _) ? value : throw Unknown<T>(handle);
    }

    /// <summary>
    /// Takes the handles of objects out of use that go with something larger: a module's functions, a graph's nodes.
    /// </summary>
    public void Remove(IEnumerable<nint> handles)
    {
        foreach (nint handle in handles)
            _objects.TryRemove(handle, out _);
    }

    private static CudaException Unknown<T>(nint handle) => new(
        typeof(T) == typeof(CudaContext) ? CudaResult.InvalidContext : CudaResult.InvalidHandle,
        $"0x{handle:x} is no handle of a live {typeof(T).Name}.");
}
