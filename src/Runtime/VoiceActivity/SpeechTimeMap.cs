using Handwritten.Model;
using Handwritten.Runtime.Audio;

namespace Handwritten.Runtime.VoiceActivity;

/// <summary>
/// Turns times in a recording of which only the speech was kept into times in the whole recording:
/// <code>
///     whole    ──[ 0 ]────[ 1 ]──────[ 2 ]──
///     speech   [ 0 ][ 1 ][ 2 ]                time in region 2 + all silence before region 2
/// </code>
/// Source: faster-whisper, vad.py, SpeechTimestampsMap, and transcribe.py, restore_speech_timestamps.
/// </summary>
public sealed class SpeechTimeMap
{
    // Of each region: its end among the speech in samples, and the silence before it in seconds.
    private readonly int[] _ends;
    private readonly double[] _silence;

    /// <summary>Prepares the way back.</summary>
    /// <param name="regions">The regions that were kept, in order; at least one.</param>
    public SpeechTimeMap(IReadOnlyList<SpeechRegion> regions)
    {
        ArgumentNullException.ThrowIfNull(regions);
        ArgumentOutOfRangeException.ThrowIfZero(regions.Count, nameof(regions));
        _ends = new int[regions.Count];
        _silence = new double[regions.Count];
        int silence = 0, previousEnd = 0;
        for (int i = 0; i < regions.Count; i++)
        {
            silence += regions[i].Start - previousEnd;
            previousEnd = regions[i].End;
            _ends[i] = previousEnd - silence;
            _silence[i] = (double)silence / AudioClip.SampleRate;
        }
    }

    /// <summary>A time in the whole recording, in seconds, to a hundredth.</summary>
    /// <param name="time">The time among the speech, in seconds.</param>
    /// <param name="isEnd">Whether something ends there: where two regions meet, the end belongs to the first.</param>
    public double ToRecording(double time, bool isEnd = false) => ToRecording(time, RegionAt(time, isEnd));

    /// <summary>
    /// A segment that was heard among the speech, where it lies in the recording. A word is not torn apart by a silence
    /// that was cut out: it belongs to the region its middle lies in.
    /// </summary>
    /// <param name="segment">The segment with its words, if it has any.</param>
    public Segment ToRecording(Segment segment)
    {
        ArgumentNullException.ThrowIfNull(segment);
        segment = segment with { Seek = FrameToRecording(segment.Seek) };
        if (segment.Words is not { Count: > 0 })
        {
            return segment with { Start = ToRecording(segment.Start), End = ToRecording(segment.End, isEnd: true) };
        }

        Word[] words = [.. segment.Words.Select(word =>
        {
            int region = RegionAt((word.Start + word.End) / 2, isEnd: false);
            return word with { Start = ToRecording(word.Start, region), End = ToRecording(word.End, region) };
        })];
        return segment with { Start = words[0].Start, End = words[^1].End, Words = words };
    }

    /// <summary>A log-mel frame among the speech, as a frame of the whole recording; there are 100 a second.</summary>
    private int FrameToRecording(int frame) =>
        (int)Math.Round(ToRecording((double)frame / WhisperAudio.FramesPerSecond) * WhisperAudio.FramesPerSecond);

    private double ToRecording(double time, int region) => RoundToHundredth(_silence[region] + time);

    private int RegionAt(double time, bool isEnd)
    {
        int sample = (int)(time * AudioClip.SampleRate);
        int index = Array.FindIndex(_ends, end => isEnd ? end >= sample : end > sample);
        return index < 0 ? _ends.Length - 1 : index;
    }

    /// <summary>
    /// Python's round(x, 2): to the nearest hundredth of the number as it is stored, so that 0.145, which is a little
    /// less than that, becomes 0.14; a half (0.125) goes to the even side. The multiplication must not round, hence the
    /// fused one.
    /// </summary>
    private static double RoundToHundredth(double value)
    {
        double floor = Math.Floor(value * 100);
        double rest = Math.FusedMultiplyAdd(value, 100, -floor);
        return (rest > 0.5 || (rest == 0.5 && floor % 2 != 0) ? floor + 1 : floor) / 100;
    }
}
