namespace Handwritten.Kernels;

/// <summary>
/// The rows of one decoder pass: a ragged batch. Every row is one token of one lane at one position. A prompt of five
/// tokens is five rows of the same lane; a step of eight sequences is eight rows of eight lanes; any mixture is fine,
/// as long as the rows of a lane come in ascending positions without a gap behind what its cache already holds.
/// <code>
///     row      0    1    2    3        4         5
///     token   sot   en  task  no-ts  "Hello"   " and"
///     lane     0    0    0    0        1         2
///     position 0    1    2    3       17         9
///     window   0    0    0    0        1         1        lanes 1 and 2 listen to the same audio (two beams)
/// </code>
/// A sequence's past need not lie in its own lane: beams share what they have in common. A table names the lane that
/// holds each entry, and a beam that goes on from another one takes over its line of the table, not its keys and values:
/// <code>
///     lane 0   0 0 0 0 0        after Continue(first lane 0, [0, 0, 1], length 5)      0 0 0 0 0     grows in lane 0
///     lane 1   0 0 0 1 1                                                               0 0 0 0 0     grows in lane 1
///     lane 2   0 0 0 1 2                                                               0 0 0 1 1     grows in lane 2
/// </code>
/// Entries are never overwritten by another sequence: a row is stored in its own lane at its own position, and lanes that
/// share a past are at the same position. A lane whose position 0 is filled begins anew, with a past of its own. Plain host
/// arrays, allocated once by <see cref="IKernels.AllocateRows"/>; a back end that needs them elsewhere copies them as the pass
/// starts.
/// </summary>
/// <param name="capacity">The most rows one pass can hold.</param>
/// <param name="lanes">Lanes of the KV caches; 0 for rows whose lanes never share a past.</param>
/// <param name="length">Entries of a lane.</param>
public class DecoderRows(int capacity, int lanes = 0, int length = 0) : IDisposable
{
    private readonly int[] _tokens = new int[capacity];
    private readonly int[] _lanes = new int[capacity];
    private readonly int[] _positions = new int[capacity];
    private readonly int[] _windows = new int[capacity];
    private readonly int[] _outputs = new int[capacity];
    private int[] _sources = [.. Enumerable.Range(0, lanes * length).Select(entry => entry / length)];
    private int[] _formerSources = new int[lanes * length];
    private readonly bool[] _shares = new bool[lanes];

    /// <summary>The most rows one pass can hold.</summary>
    public int Capacity { get; } = capacity;

    /// <summary>Changes whenever the host changes the rows: a back end's own copy is then out of date.</summary>
    internal int Version { get; private set; }

    /// <summary>Rows in use.</summary>
    public int Count { get; private set; }

    /// <summary>Rows whose logits are wanted.</summary>
    public int OutputCount { get; private set; }

    /// <summary>Token id of each row.</summary>
    public ReadOnlySpan<int> Tokens => _tokens.AsSpan(0, Count);

    /// <summary>KV-cache lane of each row.</summary>
    public ReadOnlySpan<int> Lanes => _lanes.AsSpan(0, Count);

    /// <summary>Position of each row in its sequence, which is also how many cache entries lie before it.</summary>
    public ReadOnlySpan<int> Positions => _positions.AsSpan(0, Count);

    /// <summary>Index of the audio window that each row listens to.</summary>
    public ReadOnlySpan<int> Windows => _windows.AsSpan(0, Count);

    /// <summary>The rows whose logits are wanted, ascending.</summary>
    public ReadOnlySpan<int> Outputs => _outputs.AsSpan(0, OutputCount);

    /// <summary>Whether any sequence's past lies in other lanes than its own.</summary>
    public bool SharesPasts => _shares.AsSpan().Contains(true);

    /// <summary>The whole table, [lanes, length].</summary>
    internal ReadOnlySpan<int> SourceTable => _sources;

    /// <summary>
    /// The lane that holds each entry of the sequence that grows in <paramref name="lane"/>, also of entries to come.
    /// </summary>
    public ReadOnlySpan<int> Sources(int lane) => _sources.AsSpan(lane * length, length);

    /// <summary>
    /// Lets lanes go on from other lanes' pasts: the sequence that grows in lane <paramref name="firstLane"/> + i begins with
    /// the first <paramref name="entries"/> entries of the one that grew in lane <paramref name="firstLane"/> +
    /// <paramref name="parents"/>[i]. Nothing but this table moves.
    /// </summary>
    /// <param name="firstLane">The first of the lanes.</param>
    /// <param name="parents">For each lane the one it goes on from, both counted from the first.</param>
    /// <param name="entries">Entries that the sequences have so far.</param>
    public void Continue(int firstLane, ReadOnlySpan<int> parents, int entries)
    {
        _sources.CopyTo(_formerSources, 0);
        for (int i = 0; i < parents.Length; i++)
        {
            (int lane, int parent) = (firstLane + i, firstLane + parents[i]);
            Span<int> line = _formerSources.AsSpan(lane * length, length);
            Sources(parent)[..entries].CopyTo(line);
            line[entries..].Fill(lane);
            _shares[lane] = line.ContainsAnyExcept(lane);
        }

        (_sources, _formerSources) = (_formerSources, _sources);
        Version++;
    }

    /// <summary>Starts an empty pass.</summary>
    public void Clear() => (Count, OutputCount, Version) = (0, 0, Version + 1);

    /// <summary>Appends a row.</summary>
    /// <param name="token">Token id.</param>
    /// <param name="lane">KV-cache lane.</param>
    /// <param name="position">Position in the sequence.</param>
    /// <param name="window">Audio window.</param>
    /// <param name="wantsLogits">Whether this row's logits are wanted.</param>
    /// <exception cref="InvalidOperationException">The pass is full.</exception>
    /// <exception cref="ArgumentOutOfRangeException">The table of shared pasts has no such lane or position.</exception>
    public void Add(int token, int lane, int position, int window, bool wantsLogits)
    {
        if (Count == Capacity)
        {
            throw new InvalidOperationException($"A decoder pass holds at most {Capacity} rows.");
        }

        (_tokens[Count], _lanes[Count], _positions[Count], _windows[Count]) = (token, lane, position, window);
        if (_sources.Length > 0)
        {
            ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual((uint)lane, (uint)lanes, nameof(lane));
            ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual((uint)position, (uint)length, nameof(position));
            if (position == 0)
            {
                _sources.AsSpan(lane * length, length).Fill(lane);
                _shares[lane] = false;
            }
        }

        if (wantsLogits)
        {
            _outputs[OutputCount++] = Count;
        }

        Count++;
        Version++;
    }

    /// <summary>Moves a row on, for a back end that computes on the host.</summary>
    internal void Move(int row, int token, int position) => (_tokens[row], _positions[row]) = (token, position);

    /// <summary>Whether an output is the first, and whether it is the last, of its lane's outputs.</summary>
    internal (bool First, bool Last) PlaceOfOutput(int output)
    {
        int lane = _lanes[_outputs[output]];
        (bool first, bool last) = (true, true);
        for (int other = 0; other < OutputCount; other++)
        {
            bool same = _lanes[_outputs[other]] == lane;
            first &= !same || other >= output;
            last &= !same || other <= output;
        }

        return (first, last);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Dispose(true);
        GC.SuppressFinalize(this);
    }

    /// <summary>Frees what a back end added.</summary>
    protected virtual void Dispose(bool disposing)
    {
    }
}
