using Handwritten.Kernels;
using Handwritten.Kernels.Gpu;
using Handwritten.Model;

namespace Handwritten.Cli.Bench;

/// <summary>How long one operation of a model takes by itself.</summary>
/// <param name="Part">"encoder" or "decoder".</param>
/// <param name="Name">The operation.</param>
/// <param name="Shape">Rows x outputs x inputs of a product; windows x heads x queries x keys of an attention.</param>
/// <param name="Milliseconds">Time of one run.</param>
/// <param name="Flops">Floating-point operations of one run.</param>
/// <param name="Bytes">Bytes that one run has to read at least, where that is its limit; else 0.</param>
internal sealed record OperationTime(string Part, string Name, int[] Shape, double Milliseconds, double Flops, double Bytes)
{
    /// <summary>10^12 floating-point operations a second.</summary>
    public double Teraflops => Flops / Milliseconds / 1e9;

    /// <summary>10^9 bytes a second.</summary>
    public double GigabytesPerSecond => Bytes / Milliseconds / 1e6;
}

/// <summary>
/// Times every matrix product and every attention of a model by itself, at the sizes of a batch. What the decoder reads
/// comes from memory in a real step, since the other layers have been read in between; so weights and caches are there
/// several times, more than any cache holds, and are used in turn.
/// </summary>
internal sealed class OperationLadder(IKernels kernels, WhisperDimensions size, int batch, CancellationToken cancellation)
{
    private const long BytesBeyondCaches = 256 << 20;
    private const int Position = 223; // half a text

    private readonly int _elementBytes = kernels is IGpuKernels gpu ? gpu.ElementBytes : sizeof(float);

    /// <summary>Times them.</summary>
    public IEnumerable<OperationTime> Run()
    {
        int frames = batch * size.AudioContext, width = size.Width;
        yield return Convolution("first convolution", size.MelBins, stride: 1);
        yield return Convolution("second convolution", width, stride: 2);
        yield return Product("encoder", "Q, K and V", frames, 3 * width, width);
        yield return EncoderAttention();
        yield return Product("encoder", "attention out", frames, width, width);
        yield return Product("encoder", "expand", frames, size.AudioFeedForward, width, Epilogue.Gelu);
        yield return Product("encoder", "contract", frames, width, size.AudioFeedForward);
        yield return Product("encoder", "cross keys and values", frames, 2 * width, width);
        yield return Product("decoder", "Q, K and V", batch, 3 * width, width);
        yield return DecoderAttention("self-attention", size.TextContext, Position + 1, (rows, x, cache, y) => kernels.AttendSelf(rows, x, cache, y), 3 * width);
        yield return Product("decoder", "attention out, cross query", batch, width, width);
        yield return DecoderAttention("cross-attention", size.AudioContext, size.AudioContext, (rows, x, cache, y) => kernels.AttendCross(rows, x, cache, y), width);
        yield return Product("decoder", "expand", batch, size.TextFeedForward, width, Epilogue.Gelu);
        yield return Product("decoder", "contract", batch, width, size.TextFeedForward);
        yield return Product("decoder", "logits", batch, size.Vocabulary, width, single: true);
    }

    private OperationTime Product(string part, string name, int rows, int outputs, int inputs, Epilogue epilogue = Epilogue.None, bool single = false)
    {
        cancellation.ThrowIfCancellationRequested();
        bool reads = part == "decoder";
        double bytes = (double)outputs * inputs * (kernels.HasInt8Weights ? sizeof(sbyte) : _elementBytes);
        int copies = reads ? Copies(bytes) : 1;
        Linear[] linears = [.. Noise.Weights(name, host => kernels.LoadMatrix(host), copies, outputs, inputs).Select(weight => new Linear(weight, Bias: null))];
        using Tensor x = Noise.Fill(kernels, kernels.Allocate(rows, inputs)), y = single ? kernels.AllocateSingle(rows, outputs) : kernels.Allocate(rows, outputs);
        double milliseconds = RepeatedTime.Milliseconds(kernels, i => kernels.MatMul(rows, x, linears[i % copies], y, epilogue));
        Array.ForEach(linears, linear => linear.Dispose());
        return new OperationTime(part, name, [rows, outputs, inputs], milliseconds, 2.0 * rows * outputs * inputs, reads ? bytes : 0);
    }

    private OperationTime Convolution(string name, int channels, int stride)
    {
        cancellation.ThrowIfCancellationRequested();
        int frames = 2 * size.AudioContext, outputs = frames / stride, width = size.Width;
        using Linear convolution = new(Noise.Weight(name, kernels.LoadConvolution, width, channels, 3), Bias: null);
        using Tensor x = Noise.Fill(kernels, kernels.Allocate(batch, frames, channels)), y = kernels.Allocate(batch, outputs, width);
        double milliseconds = RepeatedTime.Milliseconds(kernels, _ => kernels.Conv1dGelu(batch, x, convolution, stride, positions: null, y));
        return new OperationTime("encoder", name, [batch * outputs, width, 3 * channels], milliseconds, 6.0 * batch * outputs * width * channels, 0);
    }

    private OperationTime EncoderAttention()
    {
        cancellation.ThrowIfCancellationRequested();
        int frames = size.AudioContext, width = size.Width;
        using Tensor x = Noise.Fill(kernels, kernels.Allocate(batch, frames, 3 * width)), y = kernels.Allocate(batch, frames, width);
        double milliseconds = RepeatedTime.Milliseconds(kernels, _ => kernels.Attention(batch, x, size.AudioHeads, y));
        return new OperationTime("encoder", "self-attention", [batch, size.AudioHeads, frames, frames], milliseconds, 4.0 * batch * frames * frames * width, 0);
    }

    private OperationTime DecoderAttention(string name, int length, int keys, Action<DecoderRows, Tensor, KeyValueCache, Tensor> attend, int inputs)
    {
        cancellation.ThrowIfCancellationRequested();
        int width = size.Width, headSize = width / size.TextHeads;
        double bytes = 2.0 * batch * keys * width * _elementBytes;
        int copies = Copies(bytes);
        KeyValueCache[] caches = [.. Enumerable.Range(0, copies).Select(_ => kernels.AllocateCache(batch, length, size.TextHeads, headSize))];
        using Tensor heard = Noise.Fill(kernels, kernels.Allocate(batch, length, 2 * width));
        Array.ForEach(caches, cache => kernels.StoreKeysValues(heard, cache, [.. Enumerable.Range(0, batch)]));
        using Tensor x = Noise.Fill(kernels, kernels.Allocate(batch, inputs)), y = kernels.Allocate(batch, width), stream = kernels.AllocateSingle(batch, width);
        using Tensor tokens = Noise.Weight("tokens", host => kernels.LoadMatrix(host), 1, width), positions = Noise.Weight("positions", kernels.LoadTable, size.TextContext, width);
        using DecoderRows rows = kernels.AllocateRows(batch);
        for (int row = 0; row < batch; row++)
        {
            rows.Add(token: 0, row, Position, row, wantsLogits: false);
        }

        kernels.Embed(rows, tokens, positions, stream); // begins the pass: now the device has the rows
        double milliseconds = RepeatedTime.Milliseconds(kernels, i => attend(rows, x, caches[i % copies], y));
        Array.ForEach(caches, cache => cache.Dispose());
        return new OperationTime("decoder", name, [batch, size.TextHeads, 1, keys], milliseconds, 4.0 * batch * keys * width, bytes);
    }

    private static int Copies(double bytes) => CudaLibrary.IsEmulated ? 1 : (int)Math.Ceiling(BytesBeyondCaches / bytes);
}
