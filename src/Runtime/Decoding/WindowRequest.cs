namespace Handwritten.Runtime.Decoding;

/// <summary>A window to decode.</summary>
/// <param name="Options">How.</param>
/// <param name="Window">Which audio window of the decoder's state to listen to.</param>
public sealed record WindowRequest(DecodingOptions Options, int Window)
{
    /// <summary>The first KV-cache lane of each window: they lie side by side, as many for each as its options ask for.</summary>
    internal static int[] FirstLanes(IReadOnlyList<WindowRequest> windows, int lane)
    {
        int[] lanes = new int[windows.Count];
        for (int i = 0; i < lanes.Length; i++)
        {
            lanes[i] = lane;
            lane += windows[i].Options.Lanes;
        }

        return lanes;
    }
}

/// <summary>What was found in a window.</summary>
/// <param name="Candidates">The texts to choose from, at least one.</param>
/// <param name="NoSpeech">The probability that the window holds no speech.</param>
internal readonly record struct FoundTexts(IReadOnlyList<Candidate> Candidates, double NoSpeech);
