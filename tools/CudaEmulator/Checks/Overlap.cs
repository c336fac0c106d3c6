using System.Collections.Concurrent;
using Handwritten.CudaEmulator.Device;

namespace Handwritten.CudaEmulator.Checks;

/// <summary>
/// What a launch has to know of those before it where a graph lets kernels begin early (programmatic dependent launch). Here
/// they run one after another all the same, but on a GPU nothing of this is certain before griddepcontrol.wait:
///
///     kernel 1   ─────launch_dependents──────writes a──┤
///     kernel 2           begins ── reads a? ── griddepcontrol.wait ── reads a ──┤
///
/// The wait ends when the previous kernel has, and so when all kernels have that it has waited for. A kernel that does not
/// wait breaks the chain: after it, waiting tells nothing of those before it.
/// </summary>
internal sealed class Overlap
{
    private readonly Dictionary<Allocation, WrittenBytes> before = new(ReferenceEqualityComparer.Instance);
    private readonly ConcurrentDictionary<Allocation, WrittenBytes> own = new(ReferenceEqualityComparer.Instance);
    private volatile bool hasWaited;

    /// <summary>A launch that begins early, or is overtaken.</summary>
    /// <param name="previous">The launch that it may overtake; null for the first.</param>
    public Overlap(Overlap? previous)
    {
        BeginsEarly = previous is not null;
        WaitSuffices = previous is null || !previous.BeginsEarly || (previous.WaitSuffices && previous.hasWaited);
        if (previous is null)
        {
            return;
        }

        before = previous.before; // nobody needs it any more
        foreach ((Allocation allocation, WrittenBytes written) in previous.own)
        {
            if (!before.TryAdd(allocation, written))
            {
                before[allocation].AddAll(written);
            }
        }
    }

    /// <summary>Whether it may begin before an earlier launch has ended.</summary>
    public bool BeginsEarly { get; }

    /// <summary>Whether a thread that has waited may touch what earlier launches have written.</summary>
    public bool WaitSuffices { get; }

    /// <summary>A thread has waited.</summary>
    public void Wait() => hasWaited = true;

    /// <summary>The launch writes.</summary>
    public void Add(Allocation allocation, ulong address, long bytes) =>
        own.GetOrAdd(allocation, known => new WrittenBytes(known.Address, known.Bytes)).Add(address, bytes);

    /// <summary>The first of some bytes that an earlier launch has written; null if none has.</summary>
    public ulong? FirstWrittenBefore(Allocation allocation, ulong address, long bytes) =>
        before.TryGetValue(allocation, out WrittenBytes? written) ? written.FirstWritten(address, bytes) : null;
}
