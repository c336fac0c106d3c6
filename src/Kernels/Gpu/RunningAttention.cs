using System.Runtime.CompilerServices;
using ILGPU;

namespace Handwritten.Kernels.Gpu;

/// <summary>
/// Attention of one query over some of its keys, in one pass over them (online softmax): with scores s in units of log 2,
/// <code>
///     Largest = max s      Sum = Σ 2^(s − Largest)      Values = Σ 2^(s − Largest) · v
/// </code>
/// Two of them over different keys can be merged, so the keys may be shared out to threads, warps and blocks; the result is
/// Values / Sum. Eight neighbouring threads hold one: each has Largest and Sum, and 8 of the 64 Values.
/// Source: Milakov and Gimelshein, "Online normalizer calculation for softmax", 2018; Dao et al., "Flash-Decoding", 2023.
/// </summary>
internal struct RunningAttention
{
    /// <summary>Width of a head, in all Whisper models.</summary>
    public const int HeadSize = 64;

    /// <summary>Threads that share a key: 8 elements each.</summary>
    public const int ThreadsOfKey = HeadSize / 8;

    /// <summary>Threads of a block that attends.</summary>
    public const int Threads = 128;

    /// <summary>Its warps.</summary>
    public const int Warps = Threads / 32;

    /// <summary>Its groups of <see cref="ThreadsOfKey"/>, each of which has a key of its own.</summary>
    public const int Groups = Threads / ThreadsOfKey;

    /// <summary>Floats that <see cref="Save"/> writes for eight threads.</summary>
    public const int SavedFloats = HeadSize + (2 * ThreadsOfKey);

    /// <summary>1 / sqrt(head size), and the change from e to 2 as the base: 2^x is one instruction.</summary>
    public const float ScoreScale = 0.125f * 1.44269504f;

    private const float NoScore = -1e30f; // finite, so that two parts without keys can be merged

    public float Largest;
    public float Sum;
    public Eight Values;

    /// <summary>Which eight elements of a key and of a value the thread has. (x % 8 of a signed number is a division.)</summary>
    public static int Part
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => Group.IdxX & (ThreadsOfKey - 1);
    }

    /// <summary>The thread's part of a query, a key or a value.</summary>
    /// <param name="source">Heads of 64 elements, one behind the other.</param>
    /// <param name="index">Which of them.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Eight LoadPart<TElement>(ArrayView<Bits128> source, int index)
        where TElement : struct, IElement => SharedRow.Load<TElement>(source, index, Part, ThreadsOfKey);

    /// <summary>Writes the thread's part.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void StorePart<TElement>(ArrayView<Bits128> target, int index, Eight values)
        where TElement : struct, IElement => SharedRow.Store<TElement>(target, index, Part, ThreadsOfKey, values);

    /// <summary>Nothing seen yet.</summary>
    public static RunningAttention Empty
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get
        {
            RunningAttention empty = default;
            empty.Largest = NoScore;
            return empty;
        }
    }

    /// <summary>
    /// Attends over the keys first + group, first + group + 16, ... below end, where a group is eight threads. Each
    /// thread has four keys or four values on their way to its own places in shared memory, or both, all the time:
    /// <code>
    ///     keys 0 | values 0 |           | keys 1 |               | values 1 |            | keys 2 | ...     copies begin
    ///                        scores of 0          values 0 added             scores of 1                    arithmetic
    /// </code>
    /// Loads to registers would do without shared memory, but the assembler puts them where they are used, to save registers,
    /// and then a thread waits for each of them. Keys past the end are not read and weigh nothing, so no thread of a warp
    /// leaves the loop before another.
    /// </summary>
    /// <param name="keys">Keys of all lanes and heads, 64 elements each.</param>
    /// <param name="values">Values, likewise.</param>
    /// <param name="query">The thread's eight elements of the query, times <see cref="ScoreScale"/>.</param>
    /// <param name="places">Where the keys lie among all keys.</param>
    /// <param name="first">The first key.</param>
    /// <param name="end">Behind the last key; above <paramref name="first"/>.</param>
    /// <param name="shared">Eight times eight elements for each thread.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static RunningAttention Over<TElement, TCopy, TPlaces>(
        ArrayView<Bits128> keys, ArrayView<Bits128> values, Eight query, TPlaces places, int first, int end, ArrayView<Bits128> shared)
        where TElement : struct, IElement
        where TCopy : struct, ISharedCopy
        where TPlaces : struct, IKeyPlaces<TPlaces>
    {
        const int ofKeys = 0, ofValues = 4; // rows of shared memory, in which each thread has eight elements
        int key = first + (Group.IdxX / ThreadsOfKey);
        BeginFour<TElement, TCopy, TPlaces>(keys, places, key, end, shared, ofKeys);
        BeginFour<TElement, TCopy, TPlaces>(values, places, key, end, shared, ofValues);
        RunningAttention result = Empty;
        for (int round = first; round < end; round += 4 * Groups)
        {
            TCopy.WaitForAllButOne();
            float s0 = Score<TElement>(query, shared, ofKeys, key, end);
            float s1 = Score<TElement>(query, shared, ofKeys + 1, key + Groups, end);
            float s2 = Score<TElement>(query, shared, ofKeys + 2, key + (2 * Groups), end);
            float s3 = Score<TElement>(query, shared, ofKeys + 3, key + (3 * Groups), end);
            key += 4 * Groups;
            BeginFour<TElement, TCopy, TPlaces>(keys, places, key, end, shared, ofKeys);

            float largest = MathF.Max(result.Largest, MathF.Max(MathF.Max(s0, s1), MathF.Max(s2, s3)));
            float kept = Approximate.Exp2(result.Largest - largest);
            float w0 = Approximate.Exp2(s0 - largest), w1 = Approximate.Exp2(s1 - largest), w2 = Approximate.Exp2(s2 - largest), w3 = Approximate.Exp2(s3 - largest);
            result.Largest = largest;
            result.Sum = (result.Sum * kept) + ((w0 + w1) + (w2 + w3));

            TCopy.WaitForAllButOne();
            result.Values = (result.Values * kept)
                + (Staged<TElement>(shared, ofValues) * w0) + (Staged<TElement>(shared, ofValues + 1) * w1)
                + (Staged<TElement>(shared, ofValues + 2) * w2) + (Staged<TElement>(shared, ofValues + 3) * w3);
            BeginFour<TElement, TCopy, TPlaces>(values, places, key, end, shared, ofValues);
        }

        TCopy.WaitForAll();
        return result;
    }

    /// <summary>Merges the four groups of a warp; all of them get the result.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static RunningAttention MergeWarp(RunningAttention own)
    {
        RunningAttention half = Merge(own, Shuffle(own, ThreadsOfKey));
        return Merge(half, Shuffle(half, 2 * ThreadsOfKey));
    }

    /// <summary>Merges the warps of a block, in their order; the threads of the first get the result.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static RunningAttention MergeBlock(RunningAttention own, ArrayView<float> shared)
    {
        RunningAttention merged = MergeWarp(own);
        int part = Part;
        if (Warp.LaneIdx < ThreadsOfKey)
        {
            merged.Save(shared, Group.IdxX / 32, part);
        }

        Group.Barrier();
        for (int warp = 1; warp < Warps && Group.IdxX / 32 == 0; warp++)
        {
            merged = Merge(merged, Saved(shared, warp, part));
        }

        return merged;
    }

    /// <summary>What has been seen by either.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static RunningAttention Merge(RunningAttention a, RunningAttention b)
    {
        RunningAttention both = default;
        both.Largest = MathF.Max(a.Largest, b.Largest);
        float keptA = Approximate.Exp2(a.Largest - both.Largest), keptB = Approximate.Exp2(b.Largest - both.Largest);
        both.Sum = (a.Sum * keptA) + (b.Sum * keptB);
        both.Values = (a.Values * keptA) + (b.Values * keptB);
        return both;
    }

    /// <summary>The eight elements of the result that the thread holds.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public readonly Eight Result() => Values * (1 / Sum);

    /// <summary>Writes what one of eight threads holds; neighbouring threads write neighbouring floats.</summary>
    /// <param name="target">Memory of <see cref="SavedFloats"/> floats for each eight threads.</param>
    /// <param name="slot">Which of them.</param>
    /// <param name="part">Which of the eight threads.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public readonly void Save(ArrayView<float> target, int slot, int part)
    {
        int at = (slot * SavedFloats) + part;
        target[at] = Largest;
        target[at + 8] = Sum;
        target[at + 16] = Values.X0;
        target[at + 24] = Values.X1;
        target[at + 32] = Values.X2;
        target[at + 40] = Values.X3;
        target[at + 48] = Values.X4;
        target[at + 56] = Values.X5;
        target[at + 64] = Values.X6;
        target[at + 72] = Values.X7;
    }

    /// <summary>Reads what <see cref="Save"/> wrote.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static RunningAttention Saved(ArrayView<float> source, int slot, int part)
    {
        int at = (slot * SavedFloats) + part;
        RunningAttention saved = default;
        saved.Largest = source[at];
        saved.Sum = source[at + 8];
        saved.Values = new Eight(
            source[at + 16], source[at + 24], source[at + 32], source[at + 40], source[at + 48], source[at + 56], source[at + 64], source[at + 72]);
        return saved;
    }

    /// <summary>The sum over the eight threads of a key, in each of them; always added in the same order.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float SumOfKey(float value)
    {
        value += Warp.ShuffleXor(value, 4);
        return WarpReduction.SumOfFour(value);
    }

    /// <summary>Begins to copy the thread's parts of four keys, or of four values.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void BeginFour<TElement, TCopy, TPlaces>(ArrayView<Bits128> source, TPlaces places, int key, int end, ArrayView<Bits128> shared, int row)
        where TElement : struct, IElement
        where TCopy : struct, ISharedCopy
        where TPlaces : struct, IKeyPlaces<TPlaces>
    {
        int next = 16 * TElement.Vectors * Threads;
        int address = SharedAddress.Of(shared) + (row * next) + (16 * Group.IdxX);
        Begin<TElement, TCopy, TPlaces>(source, places, key, end, address);
        Begin<TElement, TCopy, TPlaces>(source, places, key + Groups, end, address + next);
        Begin<TElement, TCopy, TPlaces>(source, places, key + (2 * Groups), end, address + (2 * next));
        Begin<TElement, TCopy, TPlaces>(source, places, key + (3 * Groups), end, address + (3 * next));
        TCopy.Commit();
    }

    /// <summary>
    /// Copies a part in the order of <see cref="SharedRow"/>, from a row that eight threads share to one that all do.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Begin<TElement, TCopy, TPlaces>(ArrayView<Bits128> source, TPlaces places, int key, int end, int address)
        where TElement : struct, IElement
        where TCopy : struct, ISharedCopy
        where TPlaces : struct, IKeyPlaces<TPlaces>
    {
        int from = (places.Of(IntrinsicMath.Min(key, end - 1)) * ThreadsOfKey * TElement.Vectors) + Part, bytes = key < end ? 16 : 0;
        TCopy.Copy(address, source, from, bytes);
        if (TElement.Vectors == 2)
        {
            TCopy.Copy(address + (16 * Threads), source, from + ThreadsOfKey, bytes);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Eight Staged<TElement>(ArrayView<Bits128> shared, int row)
        where TElement : struct, IElement => SharedRow.Load<TElement>(shared, row, Group.IdxX, Threads);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static float Score<TElement>(Eight query, ArrayView<Bits128> shared, int row, int key, int end)
        where TElement : struct, IElement
    {
        float score = SumOfKey(Eight.Dot(query, Staged<TElement>(shared, row)));
        return key < end ? score : NoScore;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static RunningAttention Shuffle(RunningAttention own, int mask)
    {
        RunningAttention other = default;
        other.Largest = Warp.ShuffleXor(own.Largest, mask);
        other.Sum = Warp.ShuffleXor(own.Sum, mask);
        other.Values = new Eight(
            Warp.ShuffleXor(own.Values.X0, mask), Warp.ShuffleXor(own.Values.X1, mask), Warp.ShuffleXor(own.Values.X2, mask), Warp.ShuffleXor(own.Values.X3, mask),
            Warp.ShuffleXor(own.Values.X4, mask), Warp.ShuffleXor(own.Values.X5, mask), Warp.ShuffleXor(own.Values.X6, mask), Warp.ShuffleXor(own.Values.X7, mask));
        return other;
    }
}
