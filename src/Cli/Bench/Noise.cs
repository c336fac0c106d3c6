using Handwritten.Kernels;
using Handwritten.Model.Synthetic;

namespace Handwritten.Cli.Bench;

/// <summary>Made-up numbers, the same in every run: times of products and softmaxes do not depend on what is multiplied.</summary>
internal static class Noise
{
    private const double Loudness = 0.1;

    /// <summary>Samples of a recording of noise.</summary>
    public static float[] Samples(int count) => Values("noise", count, Loudness);

    /// <summary>A weight [outputs, inputs, ...] of a network, uniform and small enough for activations to stay in range.</summary>
    public static Tensor Weight(string name, Func<HostTensor, Tensor> load, params int[] shape) => Weights(name, load, 1, shape)[0];

    /// <summary>The same weight several times, in memory of its own each time.</summary>
    public static unsafe Tensor[] Weights(string name, Func<HostTensor, Tensor> load, int copies, params int[] shape)
    {
        int count = shape.Aggregate(1, (product, dimension) => checked(product * dimension));
        fixed (float* values = Values(name, count, Math.Sqrt(3.0 * shape[0] / count)))
        {
            Tensor[] weights = new Tensor[copies];
            for (int i = 0; i < copies; i++)
            {
                using HostTensor host = new(name, DType.F32, shape, (byte*)values);
                weights[i] = load(host);
            }

            return weights;
        }
    }

    /// <summary>Fills a tensor.</summary>
    public static Tensor Fill(IKernels kernels, Tensor tensor)
    {
        kernels.Write(Values("activations", checked((int)tensor.ElementCount), 1), tensor);
        return tensor;
    }

    private static float[] Values(string name, int count, double scale)
    {
        float[] values = new float[count];
        DeterministicValues.Fill(values, name, scale);
        return values;
    }
}
