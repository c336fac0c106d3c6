using System.Diagnostics;
using Handwritten.Runtime.Audio;
using Xunit;

namespace Handwritten.Runtime.Tests.Audio;

/// <summary>The ffmpeg program, run by hand: the independent witness of these tests.</summary>
internal static class RealFfmpeg
{
    /// <summary>Runs it and returns its standard output.</summary>
    public static byte[] Run(params string[] arguments)
    {
        Assert.True(Ffmpeg.OnPath.IsInstalled, "These tests need the ffmpeg program on the PATH: install it (apt install ffmpeg).");
        ProcessStartInfo start = new("ffmpeg") { RedirectStandardOutput = true };
        foreach (string argument in (string[])["-v", "error", "-nostdin", "-y", .. arguments])
        {
            start.ArgumentList.Add(argument);
        }

        using Process process = Process.Start(start)!;
        using MemoryStream output = new();
        process.StandardOutput.BaseStream.CopyTo(output);
        process.WaitForExit();
        Assert.Equal(0, process.ExitCode);
        return output.ToArray();
    }

    /// <summary>The samples that <c>load_audio</c> of openai/whisper gets: its command, word for word.</summary>
    public static float[] LoadAudio(string path)
    {
        byte[] bytes = Run("-threads", "0", "-i", path, "-f", "s16le", "-ac", "1", "-acodec", "pcm_s16le", "-ar", "16000", "-");
        return [.. Enumerable.Range(0, bytes.Length / 2).Select(i => BitConverter.ToInt16(bytes, 2 * i) / 32768f)];
    }
}
