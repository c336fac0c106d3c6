using System.Text.Json;
using Handwritten.Runtime.Audio;

namespace Handwritten.Load;

/// <summary>A recording that clients send.</summary>
/// <param name="Name">Its file.</param>
/// <param name="Bytes">The file.</param>
/// <param name="Samples">Mono, 16 kHz.</param>
/// <param name="Language">What is spoken.</param>
/// <param name="SpeechEnd">Where speech ends, in seconds.</param>
internal sealed record Recording(string Name, byte[] Bytes, float[] Samples, string Language, double SpeechEnd)
{
    private const double LongSeconds = 30;

    private static readonly Lazy<IReadOnlyList<Recording>> Known = new(Load);

    /// <summary>Short commands, of 2 to 9 seconds in four languages: one window each.</summary>
    public static IReadOnlyList<Recording> Short => [.. Known.Value.Where(recording => recording.Seconds <= LongSeconds)];

    /// <summary>A recording of several windows.</summary>
    public static IReadOnlyList<Recording> Long => [.. Known.Value.Where(recording => recording.Seconds > LongSeconds)];

    /// <summary>Its length.</summary>
    public double Seconds => (double)Samples.Length / AudioClip.SampleRate;

    /// <summary>The demo model's folder.</summary>
    public static string ModelFolder => Path.Combine(Built.Repository, "weights", "whisper-nano");

    /// <summary>The samples as 16-bit integers, and silence behind them.</summary>
    public byte[] ToPcm(double silence)
    {
        short[] pcm = [.. Samples.Select(sample => (short)Math.Clamp(sample * 32768, short.MinValue, short.MaxValue)), .. new short[(int)(silence * AudioClip.SampleRate)]];
        byte[] bytes = new byte[pcm.Length * sizeof(short)];
        Buffer.BlockCopy(pcm, 0, bytes, 0, bytes.Length);
        return bytes;
    }

    /// <summary>The demo model's clips, of which the manifest says what is spoken in them.</summary>
    private static IReadOnlyList<Recording> Load()
    {
        string folder = Path.Combine(Built.Repository, "tests", "data", "audio");
        using JsonDocument manifest = JsonDocument.Parse(File.ReadAllText(Path.Combine(folder, "manifest.json")));
        return
        [
            .. from clip in manifest.RootElement.GetProperty("clips").EnumerateArray()
               let segments = clip.GetProperty("segments")
               where segments.GetArrayLength() > 0
               let file = clip.GetProperty("file").GetString()
               where file.EndsWith(".wav", StringComparison.Ordinal)
               let path = Path.Combine(folder, file)
               select new Recording(
                   file, File.ReadAllBytes(path), AudioFile.Load(path).Samples, clip.GetProperty("language").GetString()!,
                   segments[segments.GetArrayLength() - 1].GetProperty("end").GetDouble()),
        ];
    }
}
