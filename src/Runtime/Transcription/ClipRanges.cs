using Handwritten.Model;
using Handwritten.Runtime.Decoding;

namespace Handwritten.Runtime.Transcription;

/// <summary>
/// The parts of a recording that are to be transcribed, in log-mel frames. Source: openai/whisper, transcribe.py,
/// seek_clips; a clip's end beyond the recording, on which the original loops for ever, is the recording's end.
/// </summary>
internal static class ClipRanges
{
    /// <summary>Later times are mistakes: frames would not be countable.</summary>
    public const double LatestSecond = int.MaxValue / WhisperAudio.FramesPerSecond;

    /// <summary>How long each clip is, in seconds.</summary>
    /// <param name="seconds">Start, end, start, end, ...</param>
    /// <param name="duration">Seconds of the recording.</param>
    public static IEnumerable<double> Lengths(IReadOnlyList<double> seconds, double duration) => (seconds.Count > 0 ? seconds : [0])
        .Chunk(2)
        .Select(clip => Math.Max(0, (clip is [_, var end] ? Math.Min(end, duration) : duration) - clip[0]));

    /// <summary>Start and end of each clip; those without content are left out.</summary>
    /// <param name="seconds">Start, end, start, end, ...</param>
    /// <param name="frames">Frames of the recording.</param>
    /// <exception cref="OptionsException">A clip begins behind the recording's end.</exception>
    public static IReadOnlyList<(int Start, int End)> For(IReadOnlyList<double> seconds, int frames)
    {
        seconds = seconds.Count > 0 ? seconds : [0];
        List<int> points = [.. seconds.Select(time => (int)Math.Round(time * WhisperAudio.FramesPerSecond, MidpointRounding.ToEven))];
        for (int i = 0; i < points.Count; i += 2)
        {
            OptionsException.Require(
                points[i] == 0 || points[i] < frames,
                $"A clip begins at {seconds[i]} s, but the recording ends at {(double)frames / WhisperAudio.FramesPerSecond} s.");
        }

        if (points.Count % 2 == 1)
        {
            points.Add(frames);
        }

        return [.. points.Chunk(2).Select(pair => (pair[0], Math.Min(pair[1], frames))).Where(clip => clip.Item1 < clip.Item2)];
    }
}
