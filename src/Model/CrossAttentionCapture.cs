using Handwritten.Kernels;
using Handwritten.Model.Configuration;

namespace Handwritten.Model;

/// <summary>
/// Keeps the cross-attention weights of a few heads while the decoder runs: where in the audio each token was heard. The
/// rows of several passes follow each other.
/// </summary>
/// <param name="heads">Which heads.</param>
/// <param name="rows">Rows of all passes.</param>
/// <param name="frames">Encoder frames of a window, 1500.</param>
public sealed class CrossAttentionCapture(IReadOnlyList<AlignmentHead> heads, int rows, int frames)
{
    private readonly float[][] _weights = [.. heads.Select(_ => new float[rows * frames])];
    private readonly int[] _filled = new int[heads.Count];

    /// <summary>For each head its weights [rows, frames]: a row for each token, softmax over all frames of the window.</summary>
    public IReadOnlyList<float[]> Weights => _weights;

    /// <summary>Takes what one layer gives.</summary>
    internal void Take(IKernels kernels, DecoderRows pass, int layer, Tensor query, KeyValueCache cache)
    {
        if (heads.All(head => head.Layer != layer))
        {
            return;
        }

        using Tensor weights = kernels.AllocateSingle(pass.Count, frames);
        for (int i = 0; i < heads.Count; i++)
        {
            if (heads[i].Layer == layer)
            {
                kernels.CrossAttentionWeights(pass, query, cache, heads[i].Head, weights);
                kernels.Read(weights, _weights[i].AsSpan(_filled[i], pass.Count * frames));
                _filled[i] += pass.Count * frames;
            }
        }
    }
}
