using System.Collections.Concurrent;
using Handwritten.CudaEmulator.Device;

namespace Handwritten.CudaEmulator.Checks;

/// <summary>
/// What a launch has to know of those before it where a graph lets kernels begin early (programmatic dependent launch). Here
/// they run one after another all the same, but on a GPU nothing of this is certain before griddepcontrol.wait:
///
///     kernel 1   ─────launch_dependents──────writes a, reads b──┤
///     kernel 2           begins ── reads a? writes b? ── griddepcontrol.wait ── reads a, writes b ──┤
///
/// The wait ends when the previous kernel has, and so when all kernels have that it has waited for. A kernel that does not
/// wait breaks the chain: after it, waiting tells nothing of those before it.
/// </summary>
internal sealed class Overlap
{
    private readonly TouchedBytes _writtenBefore = new(), _readBefore = new();
    private readonly TouchedBytes _written = new(), _read = new();
    private volatile bool _hasWaited;

    /// <summary>A launch that begins early, or is overtaken.</summary>
    /// <param name="previous">The launch that it may overtake; null for the first.</param>
    public Overlap(Overlap? previous)
    {
        BeginsEarly = previous is not null;
        WaitSuffices = previous is null || !previous.BeginsEarly || (previous.WaitSuffices && previous._hasWaited);
        if (previous is not null)
        {
            (_writtenBefore, _readBefore) = (previous._writtenBefore, previous._readBefore); // the one before needs them no more
            _writtenBefore.AddAll(previous._written);
            _readBefore.AddAll(previous._read);
        }
    }

    /// <summary>Whether it may begin before an earlier launch has ended.</summary>
    public bool BeginsEarly { get; }

    /// <summary>Whether a thread that has waited may touch what earlier launches touch.</summary>
    public bool WaitSuffices { get; }

    /// <summary>A thread has waited.</summary>
    public void Wait() => _hasWaited = true;

    /// <summary>The launch reads or writes.</summary>
    public void Add(Allocation allocation, ulong address, long bytes, bool isWrite) => (isWrite ? _written : _read).Add(allocation, address, bytes);

    /// <summary>
    /// Where an access meets one of an earlier launch, one of the two a write: the first such byte, and whether the earlier
    /// one wrote it; null if there is none.
    /// </summary>
    public (ulong Address, bool WasWritten)? FirstRace(Allocation allocation, ulong address, long bytes, bool isWrite) =>
        _writtenBefore.First(allocation, address, bytes) is { } afterWrite ? (afterWrite, true)
        : isWrite && _readBefore.First(allocation, address, bytes) is { } afterRead ? (afterRead, false)
        : null;

    /// <summary>Bytes of any allocations; all workers of a grid add to them at the same time.</summary>
    private sealed class TouchedBytes
    {
        private readonly ConcurrentDictionary<Allocation, AllocationBytes> _byAllocation = new(ReferenceEqualityComparer.Instance);

        public void Add(Allocation allocation, ulong address, long bytes) => Of(allocation).Add(address, bytes);

        public void AddAll(TouchedBytes others)
        {
            foreach ((Allocation allocation, AllocationBytes bytes) in others._byAllocation)
            {
                Of(allocation).AddAll(bytes);
            }
        }

        public ulong? First(Allocation allocation, ulong address, long bytes) =>
            _byAllocation.TryGetValue(allocation, out AllocationBytes? touched) ? touched.FirstPresent(address, bytes) : null;

        private AllocationBytes Of(Allocation allocation) =>
            _byAllocation.GetOrAdd(allocation, known => new AllocationBytes(known.Address, known.Bytes));
    }
}
