using ILGPU;

namespace Handwritten.Kernels.Gpu;

/// <summary>What kernels need to choose: views of a <see cref="GpuTokenChoice"/>'s memory.</summary>
internal struct ChoiceView
{
    /// <summary>[lanes].</summary>
    public ArrayView<LaneRules> Rules;

    /// <summary>
    /// [lanes, 2, mask words]: a bit for each token that is forbidden, for later tokens of a text and for the first; ids
    /// behind the vocabulary are forbidden too, so that a kernel may ask for whole blocks of them.
    /// </summary>
    public ArrayView<uint> Masks;

    /// <summary>[lanes, stride]: a <see cref="LaneState"/>, the tokens and their log-probabilities.</summary>
    public ArrayView<int> Lines;

    /// <summary>
    /// [3 · lanes, parts]: what blocks have found in their parts of a row of logits: text and times of each lane, 2 · lane and
    /// 2 · lane + 1, and behind them the whole row of each lane.
    /// </summary>
    public ArrayView<Bits128> Scans;

    /// <summary>[lanes, 2]: for <see cref="LastBlock"/>, of a lane's first row of logits and of its last.</summary>
    public ArrayView<int> Tickets;

    /// <summary>Ints from one line to the next.</summary>
    public int Stride;

    /// <summary>Words of one mask.</summary>
    public int MaskWords;

    /// <summary>Positions of a lane.</summary>
    public int Length;

    /// <summary>Tokens there are.</summary>
    public int Vocabulary;

    /// <summary>Lanes there are.</summary>
    public int Lanes;

    /// <summary>A lane's state.</summary>
    public readonly LaneState State(int lane) => Lines.SubView((long)lane * Stride, LaneState.Ints).Cast<LaneState>()[0];

    /// <summary>Writes a lane's state, but for the no-speech probability: another block may write that at the same time.</summary>
    public readonly void SetState(int lane, LaneState state)
    {
        long line = (long)lane * Stride;
        Lines[line] = state.Status;
        Lines[line + 1] = state.NextPosition;
        Lines[line + 2] = state.Count;
        Lines[line + 3] = state.LastTimestamp;
        Lines.SubView(line + 6, 2).Cast<double>()[0] = state.SumLogProbability;
    }

    /// <summary>Writes a lane's no-speech probability.</summary>
    public readonly void SetNoSpeech(int lane, float probability) => Lines[((long)lane * Stride) + 4] = (int)Interop.FloatAsInt(probability);

    /// <summary>Which of the scans is that of a lane's whole row.</summary>
    public readonly int WholeRow(int lane) => (2 * Lanes) + lane;

    /// <summary>Writes what a block has found in its part of a row; the grid's y are the parts.</summary>
    public readonly void SetScan(int scan, int part, TokenScan found) => Scans[(scan * Grid.DimY) + part] = TokenScan.Pack(found);

    /// <summary>What all blocks have found; by a warp.</summary>
    public readonly TokenScan Scan(int scan) => TokenScan.OfBlocks(Scans, scan * Grid.DimY, Grid.DimY);

    /// <summary>Where token i of a lane's history lies.</summary>
    public readonly long Place(int lane, int i) => ((long)lane * Stride) + LaneState.Ints + i;

    /// <summary>Writes token i of a lane's history.</summary>
    public readonly void SetToken(int lane, int i, int token, float logProbability)
    {
        Lines[Place(lane, i)] = token;
        Lines[Place(lane, i) + Length] = (int)Interop.FloatAsInt(logProbability);
    }
}

/// <summary>
/// Token choice in device memory. The host writes when a lane starts, and reads all lanes in one copy; nothing waits but the
/// reading.
/// </summary>
internal sealed unsafe class GpuTokenChoice : TokenChoice
{
    private const int CopiesUnderWay = 8, WarpSize = 32; // a warp joins what a row's blocks have found

    private readonly StagingRing _staging;
    private readonly GpuAllocation _rules, _masks, _lines, _scans, _tickets;
    private readonly int _maskWords;
    private readonly int[] _timestampBegins;

    public GpuTokenChoice(GpuDevice device, int lanes, int length, int vocabulary)
        : base(lanes, length, vocabulary)
    {
        const string label = "token choice";
        if (vocabulary > WarpSize * TokenScan.BlockTokens)
        {
            throw new ArgumentException($"A choice on a GPU is among {WarpSize * TokenScan.BlockTokens} tokens at most, not {vocabulary}.", nameof(vocabulary));
        }

        _maskWords = (vocabulary + TokenScan.BlockTokens - 1) / TokenScan.BlockTokens * (TokenScan.BlockTokens / 32);
        _rules = device.Memory.Allocate((long)lanes * sizeof(LaneRules), label);
        _masks = device.Memory.Allocate(2L * lanes * _maskWords * sizeof(uint), label);
        _lines = device.Memory.Allocate((long)Snapshot.Length * sizeof(int), label);
        _scans = device.Memory.Allocate(3L * lanes * Parts * sizeof(Bits128), label);
        _tickets = device.Memory.Allocate(2L * lanes * sizeof(int), label);
        _staging = new StagingRing(device, CopiesUnderWay, sizeof(int) * Math.Max(Snapshot.Length, 2 * _maskWords));
        _timestampBegins = new int[lanes];
        CopyToDevice(new int[2 * lanes], _tickets.Address);
        Start(new ChoiceRules { EndOfText = 0, NoSpeech = 0, MaxTokens = length }, 0, lanes);
    }

    /// <summary>Blocks that share a row of logits.</summary>
    public int Parts => 32 * _maskWords / TokenScan.BlockTokens;

    public ChoiceView View => new()
    {
        Rules = _rules.Vectors.Cast<LaneRules>(),
        Masks = _masks.Vectors.Cast<uint>(),
        Lines = _lines.Vectors.Cast<int>(),
        Scans = _scans.Vectors,
        Tickets = _tickets.Vectors.Cast<int>(),
        Lanes = Lanes,
        Stride = Stride,
        MaskWords = _maskWords,
        Length = Length,
        Vocabulary = Vocabulary,
    };

    public void Start(ChoiceRules rules, int firstLane, int lanes)
    {
        uint[] masks = new uint[2 * _maskWords];
        Span<uint> later = masks.AsSpan(0, _maskWords), first = masks.AsSpan(_maskWords);
        for (int token = Vocabulary; token < 32 * _maskWords; token++)
        {
            Forbid(later, token);
        }

        foreach (int token in rules.Timestamps is { NoTimestamps: int marker } ? [.. rules.Never, marker] : rules.Never)
        {
            Forbid(later, token);
        }

        later.CopyTo(first);
        foreach (int token in rules.NeverFirst)
        {
            Forbid(first, token);
        }

        for (int i = 0; i < lanes; i++)
        {
            int lane = firstLane + i;
            LaneRules own = LaneRules.Of(rules, Vocabulary, i, lanes);
            _timestampBegins[lane] = own.TimestampBegin;
            State(lane) = LaneState.Initial;
            CopyToDevice([own], _rules.Address + ((nint)lane * sizeof(LaneRules)));
            CopyToDevice(masks, _masks.Address + (2 * (nint)lane * _maskWords * sizeof(uint)));
            CopyToDevice(Line(lane), LineAddress(lane));
        }
    }

    public void Read()
    {
        Span<int> staging = new(_staging.Take(), Snapshot.Length);
        _staging.CopyToHost(_lines.Address, Snapshot.Length * sizeof(int));
        staging.CopyTo(Snapshot);
    }

    public void Write(int lane, ReadOnlySpan<int> tokens)
    {
        int place = tokens.LastIndexOfAnyInRange(_timestampBegins[lane], int.MaxValue);
        CopyToDevice([tokens.Length, place < 0 ? -1 : tokens[place]], LineAddress(lane) + LaneState.CountOffset);
        CopyToDevice(tokens, LineAddress(lane) + (LaneState.Ints * sizeof(int)));
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            _staging.Dispose();
            _rules.Dispose();
            _masks.Dispose();
            _lines.Dispose();
            _scans.Dispose();
            _tickets.Dispose();
        }
    }

    private static void Forbid(Span<uint> mask, int token) => mask[token / 32] |= 1u << (token % 32);

    private nint LineAddress(int lane) => _lines.Address + ((nint)lane * Stride * sizeof(int));

    private void CopyToDevice<T>(ReadOnlySpan<T> source, nint target)
        where T : unmanaged
    {
        if (source.Length > 0)
        {
            source.CopyTo(new Span<T>(_staging.Take(), source.Length));
            _staging.CopyToDevice(target, source.Length * sizeof(T));
        }
    }
}
