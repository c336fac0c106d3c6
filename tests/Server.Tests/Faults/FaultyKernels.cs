using System.Runtime.CompilerServices;
using Handwritten.Kernels;
using Handwritten.Kernels.Gpu;
using Handwritten.Server.Models;

namespace Handwritten.Server.Tests.Faults;

/// <summary>A back end that computes as another one does, until it is told to fail in the middle.</summary>
internal sealed class FaultyKernels(IKernels inner) : IKernels
{
    private readonly Lock _gate = new();
    private string? _where;
    private Func<Exception>? _fault;

    /// <summary>Whether it has been disposed of.</summary>
    public bool IsDisposed { get; private set; }

    public string DeviceDescription => inner.DeviceDescription;

    public bool HasInt8Weights => inner.HasInt8Weights;

    public double Tolerance => inner.Tolerance;

    /// <summary>Lets the next call of an operation fail, once.</summary>
    /// <param name="operation">Its name.</param>
    /// <param name="fault">What it fails with.</param>
    public void FailNext(string operation, Func<Exception> fault)
    {
        lock (_gate)
        {
            (_where, _fault) = (operation, fault);
        }
    }

    public void Require(MemoryEstimate estimate) => inner.Require(estimate);

    public Tensor Allocate(params ReadOnlySpan<int> shape) => inner.Allocate(shape);

    public Tensor AllocateSingle(params ReadOnlySpan<int> shape) => inner.AllocateSingle(shape);

    public DecoderRows AllocateRows(int capacity, int lanes = 0, int length = 0) => inner.AllocateRows(capacity, lanes, length);

    public Tensor LoadTable(HostTensor values) => inner.LoadTable(values);

    public Tensor LoadMatrix(params ReadOnlySpan<HostTensor> stacked) => inner.LoadMatrix(stacked);

    public Tensor LoadBias(int missingLength, params ReadOnlySpan<HostTensor?> stacked) => inner.LoadBias(missingLength, stacked);

    public Tensor LoadConvolution(HostTensor weight) => inner.LoadConvolution(weight);

    public void Write(ReadOnlySpan<float> values, Tensor destination) => inner.Write(values, destination);

    public void Synchronize() => inner.Synchronize();

    public void Read(Tensor source, Span<float> values) => inner.Read(source, values);

    public Tensor LogMel(ReadOnlySpan<float> samples, int padding, Tensor filters)
    {
        Pass();
        return inner.LogMel(samples, padding, filters);
    }

    public Tensor? LogMelAside(ReadOnlySpan<float> samples, int padding, Tensor filters) => inner.LogMelAside(samples, padding, filters);

    public void CopyWindow(Tensor mel, int first, int count, Tensor windows, int index) => inner.CopyWindow(mel, first, count, windows, index);

    public void Conv1dGelu(int batch, Tensor x, Linear convolution, int stride, Tensor? positions, Tensor y)
    {
        Pass();
        inner.Conv1dGelu(batch, x, convolution, stride, positions, y);
    }

    public void LayerNorm(int rows, Tensor x, Norm norm, Tensor y) => inner.LayerNorm(rows, x, norm, y);

    public void MatMul(int rows, Tensor x, Linear linear, Tensor y, Epilogue epilogue = Epilogue.None) => inner.MatMul(rows, x, linear, y, epilogue);

    public void NormMatMul(int rows, Tensor x, Norm norm, Linear linear, Tensor normed, Tensor y, Epilogue epilogue = Epilogue.None) =>
        inner.NormMatMul(rows, x, norm, linear, normed, y, epilogue);

    public void Attention(int batch, Tensor queryKeyValue, int heads, Tensor y) => inner.Attention(batch, queryKeyValue, heads, y);

    public void Embed(DecoderRows rows, Tensor tokenTable, Tensor positionTable, Tensor x)
    {
        Pass();
        inner.Embed(rows, tokenTable, positionTable, x);
    }

    public KeyValueCache AllocateCache(int lanes, int length, int heads, int headSize) => inner.AllocateCache(lanes, length, heads, headSize);

    public void StoreKeysValues(Tensor keyValue, KeyValueCache cache, params ReadOnlySpan<int> windows) => inner.StoreKeysValues(keyValue, cache, windows);

    public void AttendSelf(DecoderRows rows, Tensor queryKeyValue, KeyValueCache cache, Tensor y) => inner.AttendSelf(rows, queryKeyValue, cache, y);

    public void AttendCross(DecoderRows rows, Tensor query, KeyValueCache cache, Tensor y) => inner.AttendCross(rows, query, cache, y);

    public void CrossAttentionWeights(DecoderRows rows, Tensor query, KeyValueCache cache, int head, Tensor weights)
    {
        Pass();
        inner.CrossAttentionWeights(rows, query, cache, head, weights);
    }

    public void GatherOutputs(DecoderRows rows, Tensor x, Tensor y) => inner.GatherOutputs(rows, x, y);

    public TokenChoice AllocateChoice(int lanes, int length, int vocabulary) => inner.AllocateChoice(lanes, length, vocabulary);

    public void StartChoice(TokenChoice choice, ChoiceRules rules, int firstLane, int lanes = 1) => inner.StartChoice(choice, rules, firstLane, lanes);

    public void Choose(DecoderRows rows, Tensor logits, TokenChoice choice) => inner.Choose(rows, logits, choice);

    public void FollowChoice(DecoderRows rows, TokenChoice choice)
    {
        Pass();
        inner.FollowChoice(rows, choice);
    }

    public void ReadChoice(TokenChoice choice) => inner.ReadChoice(choice);

    public void WriteChoice(TokenChoice choice, int lane, ReadOnlySpan<int> tokens) => inner.WriteChoice(choice, lane, tokens);

    public void TopTokens(DecoderRows rows, Tensor logits, TokenChoice choice, int count, Span<int> tokens, Span<float> logProbabilities)
    {
        Pass();
        inner.TopTokens(rows, logits, choice, count, tokens, logProbabilities);
    }

    public IRecordedPass Record(Action pass) => inner.Record(pass);

    public void Dispose()
    {
        IsDisposed = true;
        inner.Dispose();
    }

    /// <summary>Fails if it is this operation's turn.</summary>
    private void Pass([CallerMemberName] string operation = "")
    {
        lock (_gate)
        {
            if (operation == _where && _fault is { } fault)
            {
                (_where, _fault) = (null, null);
                throw fault();
            }
        }
    }
}

/// <summary>A device that fails when it is told to. What has failed for good is opened again.</summary>
internal sealed class FaultyDevice
{
    private readonly Lock _gate = new();
    private readonly List<FaultyKernels> _opened = [];

    public FaultyDevice()
    {
        ModelSource demo = RunningServer.DemoModel();
        Model = demo with { CreateKernels = () => Open(demo.CreateKernels()) };
    }

    /// <summary>The demo model on it.</summary>
    public ModelSource Model { get; }

    /// <summary>How often it was opened.</summary>
    public int TimesOpened => _opened.Count;

    /// <summary>The most back ends that have held it at the same time: a device with room for one model must never have two.</summary>
    public int MostAtOnce { get; private set; }

    /// <summary>Lets the next call of an operation fail, once.</summary>
    /// <param name="operation">Its name.</param>
    /// <param name="fault">What it fails with.</param>
    public void FailNext(string operation, Func<Exception> fault) => _opened[^1].FailNext(operation, fault);

    private FaultyKernels Open(IKernels kernels)
    {
        lock (_gate)
        {
            FaultyKernels opened = new(kernels);
            _opened.Add(opened);
            MostAtOnce = Math.Max(MostAtOnce, _opened.Count(one => !one.IsDisposed));
            return opened;
        }
    }
}
