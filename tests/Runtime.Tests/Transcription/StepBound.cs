using Handwritten.Model;
using Handwritten.Runtime.Decoding;
using Handwritten.Runtime.Transcription;

namespace Handwritten.Runtime.Tests.Transcription;

/// <summary>
/// The most steps of the decoder that a recording can take: windows · attempts at each · tokens of each.
/// <list type="bullet">
/// <item>An attempt chooses at most as many tokens as its options allow (224 unless they say otherwise), one a step; sequences side
/// by side share steps.</item>
/// <item>A window has an attempt at each temperature at most.</item>
/// <item>A window that is heard in a chain moves on by a timestamp, which is 2 frames, or to its end. The rules want a closing
/// timestamp behind its opening one, and where they do not hold, SegmentCutter takes a pair of 0.00 for none. Words may end, and
/// have the next window begin, at any frame behind the window's first: 1 frame. That a segment of 0.02 seconds is followed by a
/// text of 223 tokens which is cut off, again and again, no rule of the original's forbids: 50 windows a second (100 with words)
/// are what is guaranteed, by the original as well.</item>
/// <item>Windows that overlap are heard once each, and begin at fixed distances.</item>
/// </list>
/// </summary>
internal static class StepBound
{
    /// <summary>The bound for a recording.</summary>
    /// <param name="recording">The recording, with what is heard of it.</param>
    /// <param name="context">Tokens that the decoder holds.</param>
    public static long Of(PreparedRecording recording, int context) =>
        MostWindows(recording) * recording.Options.Temperatures.Count * StartSequence.SampleLength(recording.Options.Decoding, context);

    private static long MostWindows(PreparedRecording recording)
    {
        TranscriptionOptions options = recording.Options;
        if (options.Windows.Overlap is { } overlap)
        {
            return overlap.Cut(recording.Samples.Length).Count();
        }

        IEnumerable<int> chains = recording switch
        {
            { Windows: { } windows } => windows.Select(window => window.Length / WhisperAudio.HopLength),
            { Speech: { } speech } => [speech.Sum(region => region.Length) / WhisperAudio.HopLength],
            _ => ClipRanges.For(options.Clips, recording.Samples.Length / WhisperAudio.HopLength).Select(clip => clip.End - clip.Start),
        };
        int move = options.WordTimestamps ? 1 : WhisperAudio.FramesPerTimestamp;
        return chains.Sum(frames => ((long)frames + move - 1) / move);
    }
}
