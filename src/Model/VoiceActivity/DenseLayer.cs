using System.Numerics;

namespace Handwritten.Model.VoiceActivity;

// y = W x + b for many rows x at once. Lanes of a vector are neighbouring outputs, so that nothing is ever summed
// across lanes, and a row's result does not depend on the rows that are computed with it:
//
//      inputs ──────────>                 panel: 2 vectors of outputs, stored input by input
//     ┌──────────────────┐
//     │ row 0   x x x x …│  broadcast  ┌───┬───┐
//     │ row 1   x x x x …│ ──────────> │ w │ w │  4 rows · 2 vectors = 8 sums in registers;
//     │ row 2   x x x x …│             └───┴───┘  every weight that is loaded serves 4 rows
//     │ row 3   x x x x …│
//     └──────────────────┘
//
// Rows may overlap. A convolution over frames that lie one behind the other is such a product: its row t is the
// taps · channels numbers from frame t · stride on.

/// <summary>Where the rows of a matrix lie: each window of the recording has a few of them.</summary>
/// <param name="PerWindow">Rows of a window.</param>
/// <param name="WindowStride">Elements from a window to the next.</param>
/// <param name="RowStride">Elements from a row to the next.</param>
/// <param name="Offset">Elements before the first row of the first window.</param>
internal readonly record struct RowLayout(int PerWindow, int WindowStride, int RowStride, int Offset = 0)
{
    /// <summary>Where a row begins.</summary>
    public int this[int row] => Offset + (row / PerWindow * WindowStride) + (row % PerWindow * RowStride);
}

/// <summary>A linear layer or convolution on the CPU, single precision, vectors of any width.</summary>
internal sealed unsafe class DenseLayer
{
    private const int TileRows = 4;

    private readonly int _inputs;
    private readonly float[] _panels;
    private readonly float[] _bias;

    /// <summary>Packs the weights.</summary>
    /// <param name="weight">[outputs, inputs].</param>
    /// <param name="bias">[outputs]; none counts as zeros.</param>
    /// <param name="outputs">Number of outputs.</param>
    public DenseLayer(ReadOnlySpan<float> weight, ReadOnlySpan<float> bias, int outputs)
    {
        _inputs = weight.Length / outputs;
        PaddedOutputs = (outputs + PanelWidth - 1) / PanelWidth * PanelWidth;
        _bias = new float[PaddedOutputs];
        bias.CopyTo(_bias);
        _panels = new float[PaddedOutputs * _inputs];
        for (int output = 0; output < outputs; output++)
        {
            int panel = output / PanelWidth * PanelWidth * _inputs;
            for (int input = 0; input < _inputs; input++)
            {
                _panels[panel + (input * PanelWidth) + (output % PanelWidth)] = weight[(output * _inputs) + input];
            }
        }
    }

    /// <summary>Outputs rounded up to whole panels; that many numbers of each row are written.</summary>
    public int PaddedOutputs { get; }

    private static int PanelWidth => 2 * Vector<float>.Count;

    /// <summary>A convolution of width 3 over frames-first rows, as a layer of 3 · channels inputs.</summary>
    /// <param name="weight">[outputs, channels, 3].</param>
    /// <param name="bias">[outputs].</param>
    public static DenseLayer Convolution(ReadOnlySpan<float> weight, ReadOnlySpan<float> bias)
    {
        int outputs = bias.Length;
        int channels = weight.Length / outputs / 3;
        float[] tapsFirst = new float[weight.Length];
        for (int i = 0; i < weight.Length; i++)
        {
            (int output, int channel, int tap) = (i / (3 * channels), i / 3 % channels, i % 3);
            tapsFirst[(((output * 3) + tap) * channels) + channel] = weight[i];
        }

        return new DenseLayer(tapsFirst, bias, outputs);
    }

    /// <summary>y[row] = floor(W x[row] + b).</summary>
    /// <param name="windows">Windows to work on, each of as many rows as the layouts say.</param>
    /// <param name="x">The inputs.</param>
    /// <param name="from">Where their rows lie.</param>
    /// <param name="y">The outputs.</param>
    /// <param name="to">Where their rows lie.</param>
    /// <param name="floor">What smaller results become: 0 is a ReLU, minus infinity nothing.</param>
    public void Apply(int windows, ReadOnlySpan<float> x, RowLayout from, Span<float> y, RowLayout to, float floor = float.NegativeInfinity)
    {
        int rows = windows * from.PerWindow;
        ArgumentOutOfRangeException.ThrowIfGreaterThan(from[rows - 1] + _inputs, x.Length);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(to[rows - 1] + PaddedOutputs, y.Length);
        fixed (float* px = x, py = y, panels = _panels, bias = _bias)
        {
            int row = 0;
            for (; row + TileRows <= rows; row += TileRows)
            {
                float* x0 = px + from[row], x1 = px + from[row + 1], x2 = px + from[row + 2], x3 = px + from[row + 3];
                float* y0 = py + to[row], y1 = py + to[row + 1], y2 = py + to[row + 2], y3 = py + to[row + 3];
                for (int output = 0; output < PaddedOutputs; output += PanelWidth)
                {
                    MultiplyFour(panels + ((long)output * _inputs), bias + output, x0, x1, x2, x3, y0 + output, y1 + output, y2 + output, y3 + output, floor);
                }
            }

            for (; row < rows; row++)
            {
                for (int output = 0; output < PaddedOutputs; output += PanelWidth)
                {
                    MultiplyOne(panels + ((long)output * _inputs), bias + output, px + from[row], py + to[row] + output, floor);
                }
            }
        }
    }

    private void MultiplyFour(
        float* panel, float* bias, float* x0, float* x1, float* x2, float* x3, float* y0, float* y1, float* y2, float* y3, float floor)
    {
        Vector<float> b0 = Vector.Load(bias), b1 = Vector.Load(bias + Vector<float>.Count);
        Vector<float> s00 = b0, s01 = b1, s10 = b0, s11 = b1, s20 = b0, s21 = b1, s30 = b0, s31 = b1;
        for (int i = 0; i < _inputs; i++, panel += PanelWidth)
        {
            Vector<float> w0 = Vector.Load(panel), w1 = Vector.Load(panel + Vector<float>.Count);
            Vector<float> x = new(x0[i]);
            s00 = Vector.FusedMultiplyAdd(x, w0, s00);
            s01 = Vector.FusedMultiplyAdd(x, w1, s01);
            x = new(x1[i]);
            s10 = Vector.FusedMultiplyAdd(x, w0, s10);
            s11 = Vector.FusedMultiplyAdd(x, w1, s11);
            x = new(x2[i]);
            s20 = Vector.FusedMultiplyAdd(x, w0, s20);
            s21 = Vector.FusedMultiplyAdd(x, w1, s21);
            x = new(x3[i]);
            s30 = Vector.FusedMultiplyAdd(x, w0, s30);
            s31 = Vector.FusedMultiplyAdd(x, w1, s31);
        }

        Store(y0, s00, s01, floor);
        Store(y1, s10, s11, floor);
        Store(y2, s20, s21, floor);
        Store(y3, s30, s31, floor);
    }

    private void MultiplyOne(float* panel, float* bias, float* x, float* y, float floor)
    {
        Vector<float> s0 = Vector.Load(bias), s1 = Vector.Load(bias + Vector<float>.Count);
        for (int i = 0; i < _inputs; i++, panel += PanelWidth)
        {
            Vector<float> broadcast = new(x[i]);
            s0 = Vector.FusedMultiplyAdd(broadcast, Vector.Load(panel), s0);
            s1 = Vector.FusedMultiplyAdd(broadcast, Vector.Load(panel + Vector<float>.Count), s1);
        }

        Store(y, s0, s1, floor);
    }

    private static void Store(float* y, Vector<float> s0, Vector<float> s1, float floor)
    {
        Vector.Max(s0, new Vector<float>(floor)).Store(y);
        Vector.Max(s1, new Vector<float>(floor)).Store(y + Vector<float>.Count);
    }
}
