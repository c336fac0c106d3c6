using System.Runtime.CompilerServices;
using ILGPU;

namespace Handwritten.Kernels.Gpu;

/// <summary>Where the keys and values of a head lie, among those of all lanes and heads [lanes, heads, length].</summary>
internal interface IKeyPlaces<TSelf>
    where TSelf : struct, IKeyPlaces<TSelf>
{
    /// <summary>The places of one sequence and head.</summary>
    /// <param name="sources">The table of pasts, [lanes, length].</param>
    /// <param name="lane">The sequence's lane.</param>
    /// <param name="heads">Heads.</param>
    /// <param name="head">The head.</param>
    /// <param name="length">Entries of a lane.</param>
    static abstract TSelf Create(ArrayView<int> sources, int lane, int heads, int head, int length);

    /// <summary>Index of a key.</summary>
    int Of(int key);
}

/// <summary>All in one lane, one after the other.</summary>
/// <param name="begin">Index of the first.</param>
internal readonly struct OneLane(int begin) : IKeyPlaces<OneLane>
{
    private readonly int _begin = begin;

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static OneLane Create(ArrayView<int> sources, int lane, int heads, int head, int length) => new(((lane * heads) + head) * length);

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public int Of(int key) => _begin + key;
}

/// <summary>
/// Each in the lane that the table names (<see cref="DecoderRows.Sources"/>): 4 bytes more to read for each key and value.
/// </summary>
internal readonly struct SharedPast : IKeyPlaces<SharedPast>
{
    private readonly ArrayView<int> _sources;
    private readonly int _line, _heads, _head, _length;

    private SharedPast(ArrayView<int> sources, int line, int heads, int head, int length) =>
        (_sources, _line, _heads, _head, _length) = (sources, line, heads, head, length);

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static SharedPast Create(ArrayView<int> sources, int lane, int heads, int head, int length) => new(sources, lane * length, heads, head, length);

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public int Of(int key) => (((_sources[_line + key] * _heads) + _head) * _length) + key;
}
