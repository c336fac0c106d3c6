using ILGPU;
using ILGPU.Runtime;

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

    /// <summary>[lanes, stride]: a <see cref="LaneState"/> and the tokens.</summary>
    public ArrayView<int> Lines;

    /// <summary>Ints from one line to the next.</summary>
    public int Stride;

    /// <summary>Words of one mask.</summary>
    public int MaskWords;

    /// <summary>Positions of a lane.</summary>
    public int Length;

    /// <summary>Tokens there are.</summary>
    public int Vocabulary;

    /// <summary>A lane's state.</summary>
    public readonly LaneState State(int lane) => Lines.SubView((long)lane * Stride, LaneState.Ints).Cast<LaneState>()[0];

    /// <summary>Writes a lane's state, but for the no-speech probability: another block may write that at the same time.</summary>
    public readonly void SetState(int lane, LaneState state)
    {
        long line = (long)lane * Stride;
        Lines[line] = state.Status;
        Lines[line + 1] = state.Count;
        Lines[line + 2] = state.NextPosition;
        Lines[line + 3] = state.LastTimestamp;
        Lines.SubView(line + 6, 2).Cast<double>()[0] = state.SumLogProbability;
    }

    /// <summary>Writes a lane's no-speech probability.</summary>
    public readonly void SetNoSpeech(int lane, float probability) => Lines[((long)lane * Stride) + 4] = (int)Interop.FloatAsInt(probability);

    /// <summary>Where token i of a lane's history lies.</summary>
    public readonly long Place(int lane, int i) => ((long)lane * Stride) + LaneState.Ints + i;
}

/// <summary>Token choice in device memory. The host writes only when a lane starts, and reads all lanes in one copy.</summary>
internal sealed unsafe class GpuTokenChoice : TokenChoice
{
    private readonly GpuDevice _device;
    private readonly MemoryBuffer1D<LaneRules, Stride1D.Dense> _rules;
    private readonly MemoryBuffer1D<uint, Stride1D.Dense> _masks;
    private readonly MemoryBuffer1D<int, Stride1D.Dense> _lines;
    private readonly int _maskWords;
    private readonly int[] _timestampBegins;

    public GpuTokenChoice(GpuDevice device, int lanes, int length, int vocabulary)
        : base(lanes, length, vocabulary)
    {
        _device = device;
        _maskWords = (vocabulary + TokenScan.BlockTokens - 1) / TokenScan.BlockTokens * (TokenScan.BlockTokens / 32);
        _rules = device.Accelerator.Allocate1D<LaneRules>(lanes);
        _masks = device.Accelerator.Allocate1D<uint>(2L * lanes * _maskWords);
        _lines = device.Accelerator.Allocate1D<int>(Snapshot.Length);
        _timestampBegins = new int[lanes];
        Start(new ChoiceRules { EndOfText = 0, NoSpeech = 0, MaxTokens = length }, 0, lanes);
    }

    public ChoiceView View => new()
    {
        Rules = _rules.View,
        Masks = _masks.View,
        Lines = _lines.View,
        Stride = Stride,
        MaskWords = _maskWords,
        Length = Length,
        Vocabulary = Vocabulary,
    };

    public void Start(ChoiceRules rules, int firstLane, int lanes)
    {
        _device.Accelerator.Bind();
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

        LaneRules[] laneRules = [.. Enumerable.Range(0, lanes).Select(i => LaneRules.Of(rules, Vocabulary, i, lanes))];
        CopyToDevice(laneRules, _rules.View.SubView(firstLane, lanes));
        for (int lane = firstLane; lane < firstLane + lanes; lane++)
        {
            _timestampBegins[lane] = laneRules[0].TimestampBegin;
            CopyToDevice(masks, _masks.View.SubView(2L * lane * _maskWords, 2 * _maskWords));
            SetLine(lane, LaneState.Initial, []);
        }

        _device.Stream.Synchronize();
    }

    public void Read()
    {
        _device.Accelerator.Bind();
        fixed (int* target = Snapshot)
        {
            CudaDriver.Check(CudaDriver.CopyToHost(target, _lines.View.BaseView.LoadEffectiveAddressAsPtr(), (nuint)_lines.LengthInBytes, _device.Stream.StreamPtr), "cuMemcpyDtoHAsync");
            _device.Stream.Synchronize();
        }
    }

    public void Write(int lane, ReadOnlySpan<int> tokens)
    {
        Read(); // the sum and the no-speech probability stay
        LaneState state = State(lane);
        int place = tokens.LastIndexOfAnyInRange(_timestampBegins[lane], int.MaxValue);
        (state.Count, state.LastTimestamp) = (tokens.Length, place < 0 ? -1 : tokens[place]);
        SetLine(lane, state, tokens);
        _device.Stream.Synchronize();
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            _rules.Dispose();
            _masks.Dispose();
            _lines.Dispose();
        }
    }

    private static void Forbid(Span<uint> mask, int token) => mask[token / 32] |= 1u << (token % 32);

    private void SetLine(int lane, LaneState state, ReadOnlySpan<int> tokens)
    {
        State(lane) = state;
        tokens.CopyTo(Line(lane)[LaneState.Ints..]);
        CopyToDevice(Line(lane), _lines.View.SubView((long)lane * Stride, Stride));
    }

    private void CopyToDevice<T>(ReadOnlySpan<T> source, ArrayView<T> target)
        where T : unmanaged
    {
        fixed (T* first = source)
        {
            CudaDriver.Check(CudaDriver.CopyToDevice(target.LoadEffectiveAddressAsPtr(), first, (nuint)(source.Length * sizeof(T)), _device.Stream.StreamPtr), "cuMemcpyHtoDAsync");
            _device.Stream.Synchronize(); // the source may be moved
        }
    }
}
