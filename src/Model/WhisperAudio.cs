namespace Handwritten.Model;

/// <summary>
/// The fixed numbers of Whisper's audio: every model was trained on windows of 30 seconds at 16 kHz, cut into frames of
/// 10 ms. Source: openai/whisper, audio.py.
/// </summary>
public static class WhisperAudio
{
    /// <summary>Samples a second.</summary>
    public const int SampleRate = 16_000;

    /// <summary>Samples of one Fourier transform: 25 ms.</summary>
    public const int FourierSize = 400;

    /// <summary>Frequencies of one Fourier transform, 0 to 8 kHz.</summary>
    public const int FourierBins = (FourierSize / 2) + 1;

    /// <summary>Samples from one log-mel frame to the next: 10 ms.</summary>
    public const int HopLength = 160;

    /// <summary>Log-mel frames a second.</summary>
    public const int FramesPerSecond = SampleRate / HopLength;

    /// <summary>Seconds of a window.</summary>
    public const int WindowSeconds = 30;

    /// <summary>Samples of a window.</summary>
    public const int WindowSamples = WindowSeconds * SampleRate;

    /// <summary>Log-mel frames of a window.</summary>
    public const int WindowFrames = WindowSeconds * FramesPerSecond;

    /// <summary>Log-mel frames that one encoder output and one timestamp step stand for.</summary>
    public const int FramesPerTimestamp = 2;

    /// <summary>Seconds of one timestamp step.</summary>
    public const double SecondsPerTimestamp = (double)FramesPerTimestamp * HopLength / SampleRate;
}
