using System.Buffers;
using System.Text;

namespace Handwritten.Runtime.Audio;

/// <summary>
/// From a file, or standard input, to the samples that Whisper hears; <c>load_audio</c> of openai/whisper.
/// <code>
///     begins with RIFF .... WAVE ──> WavReader ──> Downmix ──> Resampler ──┐
///     anything else, and WAV with a codec inside ──> ffmpeg ───────────────┴──> AudioClip      MP4 of a stream through memory
/// </code>
/// What a file is, is seen from its first bytes, never from its name. WAV files need no other program; of those with
/// 16 kHz, one channel and 16 bits every sample is the original's. Of the others they differ in the last bits: ffmpeg
/// would resample with a shorter filter and round to 16 bits.
/// </summary>
public static class AudioFile
{
    /// <summary>The name that stands for standard input; a file that is really called so is <c>./-</c>.</summary>
    public const string StandardInput = "-";

    /// <summary>Loads a recording, with the ffmpeg that is on the PATH for what is not WAV.</summary>
    /// <param name="path">The file, or <see cref="StandardInput"/>.</param>
    /// <param name="cancellation">Ends the loading.</param>
    /// <exception cref="AudioException">The recording cannot be read; the message says why in one sentence.</exception>
    /// <exception cref="OperationCanceledException">It was cancelled.</exception>
    public static AudioClip Load(string path, CancellationToken cancellation = default) =>
        Load(path, Ffmpeg.OnPath, cancellation);

    /// <summary>Loads a recording.</summary>
    /// <param name="path">The file, or <see cref="StandardInput"/>.</param>
    /// <param name="ffmpeg">Reads what is not WAV; its limits hold for WAV as well.</param>
    /// <param name="cancellation">Ends the loading.</param>
    /// <exception cref="AudioException">The recording cannot be read; the message says why in one sentence.</exception>
    /// <exception cref="OperationCanceledException">It was cancelled.</exception>
    public static AudioClip Load(string path, Ffmpeg ffmpeg, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(ffmpeg);
        using Stream file = Open(path);

        // ffmpeg reads a real file itself, since it must jump about in some formats; a named pipe is a stream.
        return Load(file, file.CanSeek ? path : null, NameOf(path), ffmpeg, cancellation);
    }

    /// <summary>What to call a recording in messages.</summary>
    /// <param name="path">The file, or <see cref="StandardInput"/>.</param>
    public static string NameOf(string path) => path == StandardInput ? "standard input" : $"'{path}'";

    /// <summary>Opens a recording; what cannot be read twice, a pipe, cannot seek.</summary>
    /// <param name="path">The file, or <see cref="StandardInput"/>.</param>
    /// <exception cref="AudioException">It cannot be opened; the message says why in one sentence.</exception>
    public static Stream Open(string path)
    {
        ArgumentNullException.ThrowIfNull(path);
        if (path == StandardInput)
        {
            if (!Console.IsInputRedirected)
            {
                throw new AudioException("standard input is the keyboard: pipe a recording into the program or give the name of a file.");
            }

            return Console.OpenStandardInput();
        }

        if (path.Length == 0)
        {
            throw new AudioException("the name of the recording is empty: give the name of a file.");
        }

        string name = NameOf(path);
        try
        {
            if (Directory.Exists(path))
            {
                throw new AudioException($"{name} is a folder: give the name of a recording in it.");
            }

            return new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
        }
        catch (Exception exception) when (exception is FileNotFoundException or DirectoryNotFoundException)
        {
            throw new AudioException($"{name} does not exist: check the name and the folder.", exception);
        }
        catch (UnauthorizedAccessException exception)
        {
            throw new AudioException($"{name} may not be read: you have no permission to open it.", exception);
        }
        catch (Exception exception) when (exception is IOException or ArgumentException or NotSupportedException)
        {
            throw new AudioException($"{name} cannot be read: {exception.Message.TrimEnd('.')}.", exception);
        }
    }

    /// <summary>Loads a recording from a stream: an upload, a pipe, a part of an archive.</summary>
    /// <param name="stream">The file from its first byte on; it need not be seekable and is not closed.</param>
    /// <param name="name">What to call it in messages.</param>
    /// <param name="ffmpeg">Reads what is not WAV; its limits hold for WAV as well.</param>
    /// <param name="cancellation">Ends the loading, if the stream does not block for ever.</param>
    /// <exception cref="AudioException">The recording cannot be read; the message says why in one sentence.</exception>
    /// <exception cref="OperationCanceledException">It was cancelled.</exception>
    public static AudioClip Load(Stream stream, string name, Ffmpeg ffmpeg, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(stream);
        ArgumentNullException.ThrowIfNull(ffmpeg);
        return Load(stream, null, name, ffmpeg, cancellation);
    }

    private static AudioClip Load(Stream stream, string? path, string name, Ffmpeg ffmpeg, CancellationToken cancellation)
    {
        try
        {
            return Decode(stream, path, name, ffmpeg, cancellation);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new AudioException($"{name} cannot be read: {exception.Message.TrimEnd('.')}.", exception);
        }
    }

    private static AudioClip Decode(Stream stream, string? path, string name, Ffmpeg ffmpeg, CancellationToken cancellation)
    {
        RewindableStream recording = new(stream);
        Span<byte> head = stackalloc byte[12];
        int count = recording.ReadAtLeast(head, head.Length, throwOnEndOfStream: false);
        if (count == 0)
        {
            throw new AudioException($"{name} is empty: it has 0 bytes.");
        }

        recording.Rewind();
        WavReader? wav = WavReader.Recognizes(head[..count]) ? WavReader.Open(recording, name) : null;
        AudioClip clip;
        if (wav is not null && (wav.Format.Encoding != SampleEncoding.Other || !ffmpeg.IsInstalled))
        {
            recording.LetGo();
            clip = Decode(wav, name, ffmpeg.Limits, cancellation);
        }
        else if (path is not null)
        {
            clip = ffmpeg.Decode(path, name, cancellation);
        }
        else
        {
            recording.Rewind();
            recording.LetGo();
            using MemoryFile? memory = ffmpeg.IsInstalled && MayEndInItsIndex(head[..count]) ? MemoryFile.TryCreate() : null;
            memory?.Fill(recording, name, cancellation);
            clip = memory is null ? ffmpeg.Decode(recording, name, cancellation) : ffmpeg.Decode(memory.Path, name, cancellation);
        }

        return clip.Samples.Length > 0 ? clip : throw new AudioException($"{name} holds no sound: it has 0 samples.");
    }

    /// <summary>
    /// Whether it is MP4 or QuickTime, whose index usually stands behind the sound: it cannot be read from a pipe. Its first box
    /// has one of these names.
    /// </summary>
    private static bool MayEndInItsIndex(ReadOnlySpan<byte> head) =>
        head.Length >= 8 && Encoding.ASCII.GetString(head[4..8]) is "ftyp" or "moov" or "mdat" or "wide" or "free" or "skip" or "pnot";

    private static AudioClip Decode(WavReader wav, string name, AudioLimits limits, CancellationToken cancellation)
    {
        WavFormat format = wav.Format;
        Resampler resampler = new(format.SampleRate);
        ArrayBufferWriter<float> piece = new();
        using SampleBlocks samples = new();

        // A second at most: what a low rate blows up must meet the limit before it fills the memory.
        int blockFrames = Math.Clamp(16384 / format.Channels, 1, Math.Max(1, format.SampleRate));
        float[] block = new float[blockFrames * format.Channels];
        long frames = 0;
        while (wav.Read(block) is int count and > 0)
        {
            cancellation.ThrowIfCancellationRequested();
            Span<float> mono = block.AsSpan(0, count / format.Channels);
            Downmix.ToMono(block.AsSpan(0, count), format.Channels, mono);
            resampler.Push(mono, piece);
            frames += mono.Length;
            Gather(piece, samples, name, limits);
        }

        resampler.Finish(piece);
        Gather(piece, samples, name, limits);
        float[] all = samples.Take();
        foreach (ref float sample in all.AsSpan())
        {
            // Floats may be louder than full scale; the original's 16 bits are not.
            sample = Math.Clamp(sample, -1, 1);
        }

        return new AudioClip(all, new AudioSource(name, format.Codec, format.SampleRate, format.Channels, (double)frames / format.SampleRate));
    }

    private static void Gather(ArrayBufferWriter<float> piece, SampleBlocks samples, string name, AudioLimits limits)
    {
        limits.Admit(samples.Count + piece.WrittenCount, name);
        samples.Append(piece.WrittenSpan);
        piece.ResetWrittenCount();
    }
}
