using Handwritten.Kernels;
using Handwritten.Model.Configuration;

namespace Handwritten.Model;

/// <summary>
/// Keeps the cross-attention weights of a few heads while a decoder pass runs: where in the audio each token was heard.
/// Several passes one after the other append their rows.
/// </summary>
/// <param name="heads">Which heads.</param>
/// <param name="frames">Encoder frames of a window, 1500.</param>
public sealed class CrossAttentionCapture(IReadOnlyList<AlignmentHead> heads, int frames)
{
    private readonly List<float>[] _weights = [.. heads.Select(_ => new List<float>())];

    /// <summary>The heads, in the order of the weights.</summary>
    public IReadOnlyList<AlignmentHead> Heads => heads;

    /// <summary>Encoder frames of a window.</summary>
    public int Frames => frames;

    /// <summary>The weights [rows, frames] of one head: a row for each token, softmax over all frames of the window.</summary>
    /// <param name="head">Index in <see cref="Heads"/>.</param>
    public float[] Weights(int head) => [.. _weights[head]];

    /// <summary>Takes what one layer gives.</summary>
    internal void Take(IKernels kernels, DecoderRows rows, int layer, Tensor query, KeyValueCache cache)
    {
        if (heads.All(head => head.Layer != layer))
        {
            return;
        }

        using Tensor weights = kernels.AllocateSingle(rows.Count, frames);
        float[] values = new float[rows.Count * frames];
        for (int i = 0; i < heads.Count; i++)
        {
            if (heads[i].Layer == layer)
            {
                kernels.CrossAttentionWeights(rows, query, cache, heads[i].Head, weights);
                kernels.Read(weights, values);
                _weights[i].AddRange(values);
            }
        }
    }
}
