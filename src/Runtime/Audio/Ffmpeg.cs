using System.ComponentModel;
using System.Diagnostics;
using System.Globalization;

namespace Handwritten.Runtime.Audio;

/// <summary>
/// The ffmpeg program, which knows every format there is. It is run as <c>load_audio</c> of openai/whisper runs it,
/// with the same arguments to decode, mix and resample, so that the samples are the same ones too:
/// <code>
///     ffmpeg -nostdin -threads 0 -i file:talk.m4a -f s16le -ac 1 -acodec pcm_s16le -ar 16000 -
///                                                                                            │ standard output
///                                                                      float = int16 / 32768 &lt;┘
/// </code>
/// There is no shell in between, and a name is never taken for an option or an address on the network: it is a full
/// path behind <c>file:</c>.
/// </summary>
public sealed class Ffmpeg
{
    private const string InstallHint = "install it (apt install ffmpeg, brew install ffmpeg, winget install ffmpeg) or convert the recording to WAV";

    /// <summary>
    /// Containers that hold sound themselves, by ffmpeg's names: those of recorders, telephones and the web. Not among them
    /// are playlists (hls, concat, dash), lists of pictures, and devices.
    /// </summary>
    private const string Containers =
        "aac,ac3,aiff,amr,amrnb,amrwb,ape,asf,au,avi,caf,dsf,dts,eac3,flac,flv,gsm,matroska,mov,mp3,mpeg,mpegts,mxf,ogg,tak,tta,voc,w64,wav,wv";

    private readonly string? _program;

    /// <summary>Looks for the program.</summary>
    /// <param name="searchPath">The folders to look in, separated as in the PATH variable.</param>
    public Ffmpeg(string? searchPath)
    {
        string fileName = OperatingSystem.IsWindows() ? "ffmpeg.exe" : "ffmpeg";
        _program = (searchPath ?? "")
            .Split(Path.PathSeparator, StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries)
            .Select(folder => Path.Combine(folder, fileName))
            .FirstOrDefault(File.Exists);
    }

    private Ffmpeg(string? program, AudioLimits limits) => (_program, Limits) = (program, limits);

    /// <summary>The ffmpeg on the PATH of this process.</summary>
    public static Ffmpeg OnPath => new(Environment.GetEnvironmentVariable("PATH"));

    /// <summary>Its path; null if it was not found.</summary>
    internal string? Program => _program;

    /// <summary>Whether the program was found.</summary>
    public bool IsInstalled => _program is not null;

    /// <summary>What decoding may cost.</summary>
    public AudioLimits Limits { get; } = new();

    /// <summary>The same program within other limits.</summary>
    public Ffmpeg Within(AudioLimits limits) => new(_program, limits);

    /// <summary>Decodes a file.</summary>
    /// <param name="path">The file.</param>
    /// <param name="name">What to call it in messages.</param>
    /// <param name="cancellation">Stops the program.</param>
    /// <exception cref="AudioException">There is no ffmpeg, or it cannot read the file.</exception>
    /// <exception cref="OperationCanceledException">It was cancelled.</exception>
    internal AudioClip Decode(string path, string name, CancellationToken cancellation) =>
        Decode("file:" + Path.GetFullPath(path), null, name, cancellation);

    /// <summary>Decodes what comes out of a stream.</summary>
    /// <param name="stream">The file from its first byte on; not closed.</param>
    /// <param name="name">What to call it in messages.</param>
    /// <param name="cancellation">Stops the program.</param>
    /// <exception cref="AudioException">There is no ffmpeg, or it cannot read the file.</exception>
    /// <exception cref="IOException">The stream cannot be read.</exception>
    /// <exception cref="OperationCanceledException">It was cancelled.</exception>
    internal AudioClip Decode(Stream stream, string name, CancellationToken cancellation) =>
        Decode("pipe:0", stream, name, cancellation);

    private AudioClip Decode(string input, Stream? stream, string name, CancellationToken cancellation)
    {
        if (Limits.Timeout is not { } timeout)
        {
            return Run(input, stream, name, cancellation);
        }

        using CancellationTokenSource limit = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        limit.CancelAfter(timeout);
        try
        {
            return Run(input, stream, name, limit.Token);
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            throw new AudioException(string.Create(CultureInfo.InvariantCulture, $"{name} takes more than {timeout.TotalSeconds:0.##} s to decode: convert it to WAV or cut it into parts."));
        }
    }

    private AudioClip Run(string input, Stream? stream, string name, CancellationToken cancellation)
    {
        using Process process = Start(input, isFed: stream is not null, name);
        using CancellationTokenRegistration kill = cancellation.Register(() => Stop(process));
        try
        {
            // All three pipes are served at once: a program that waits for one of them to be emptied reads no other.
            FfmpegLog log = new();
            Task reading = Task.Run(() => log.ReadFrom(process.StandardError), CancellationToken.None);
            Exception? broken = null;
            if (stream is not null)
            {
                // Nobody waits for the end of this: it may be reading a pipe of which ffmpeg wants no more.
                _ = Task.Run(() => Feed(stream, process.StandardInput.BaseStream, exception => broken = exception), CancellationToken.None);
            }

            using SampleBlocks samples = new();
            Collect(process.StandardOutput.BaseStream, samples, name, Limits);
            process.WaitForExit();
            reading.Wait(CancellationToken.None);
            cancellation.ThrowIfCancellationRequested();
            if (broken is not null)
            {
                throw new IOException(broken.Message, broken);
            }

            RequireSuccess(process.ExitCode, log, samples.Count, input, name);
            AudioSource source = new(name, log.Codec ?? "unknown codec", log.SampleRate, log.Channels, (double)samples.Count / AudioClip.SampleRate);
            return new AudioClip(samples.Take(), source);
        }
        finally
        {
            Stop(process);
        }
    }

    private Process Start(string input, bool isFed, string name)
    {
        if (_program is null)
        {
            throw new AudioException($"{name} is not a WAV file of plain samples, and the ffmpeg program, which reads everything else, is not on the PATH: {InstallHint}.");
        }

        string rate = AudioClip.SampleRate.ToString(CultureInfo.InvariantCulture);
        bool limited = Limits.MemoryBytes is not null && !OperatingSystem.IsWindows();
        ProcessStartInfo start = new(limited ? "/bin/sh" : _program)
        {
            RedirectStandardInput = isFed,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            UseShellExecute = false,
            CreateNoWindow = true,
        };
        string[] arguments =
        [
            // A shell can set the limit of memory that .NET cannot. It sees the program and its arguments as values only.
            .. limited ? ["-c", "ulimit -v \"$1\"; shift; exec \"$@\"", "sh", (Limits.MemoryBytes!.Value >> 10).ToString(CultureInfo.InvariantCulture), _program] : Array.Empty<string>(),
            "-hide_banner", "-nostats", "-loglevel", "level+info", "-nostdin", "-threads", "0",
            // A playlist can name other files; it shall not make us fetch them from a network.
            .. Limits.OnlyContainers
                ? ["-protocol_whitelist", "file,pipe", "-format_whitelist", Containers]
                : (string[])["-protocol_whitelist", "file,pipe,crypto,data"],
            "-i", input,
            "-f", "s16le", "-ac", "1", "-acodec", "pcm_s16le", "-ar", rate, "-",
        ];
        foreach (string argument in arguments)
        {
            start.ArgumentList.Add(argument);
        }

        try
        {
            return Process.Start(start) ?? throw new AudioException($"{name} cannot be decoded: {_program} did not start.");
        }
        catch (Win32Exception exception)
        {
            throw new AudioException($"{name} cannot be decoded: {_program} did not start ({exception.Message}); {InstallHint}.", exception);
        }
    }

    /// <summary>Copies the recording into the program, and reports it if the recording cannot be read.</summary>
    private static void Feed(Stream recording, Stream input, Action<Exception> report)
    {
        byte[] buffer = new byte[1 << 16];
        try
        {
            using (input)
            {
                while (ReadOrReport() is int count and > 0)
                {
                    input.Write(buffer, 0, count);
                    input.Flush();
                }
            }
        }
        catch (Exception exception) when (exception is IOException or ObjectDisposedException)
        {
            // A broken pipe: ffmpeg wants no more. Its exit code says whether that is good or bad.
        }

        int ReadOrReport()
        {
            try
            {
                return recording.Read(buffer);
            }
            catch (Exception exception)
            {
                report(exception);
                return 0;
            }
        }
    }

    private static void Collect(Stream output, SampleBlocks samples, string name, AudioLimits limits)
    {
        byte[] bytes = new byte[1 << 16];
        float[] piece = new float[bytes.Length / 2];
        while (true)
        {
            int count = output.ReadAtLeast(bytes, bytes.Length, throwOnEndOfStream: false) / 2;
            if (count == 0)
            {
                return;
            }

            limits.Admit(samples.Count + count, name);
            SampleEncoding.Pcm16.Decode(bytes, piece.AsSpan(0, count));
            samples.Append(piece.AsSpan(0, count));
        }
    }

    private static void RequireSuccess(int exitCode, FfmpegLog log, long sampleCount, string input, string name)
    {
        if (exitCode != 0 && log.HasOnlyOtherStreams)
        {
            throw new AudioException($"{name} holds no sound: it has pictures or text, but no audio track.");
        }

        string pipeHint = input == "pipe:0" && !OperatingSystem.IsLinux() // there such formats get a file in memory
            ? ", and some formats, such as MP4, cannot be read from a pipe: give the name of a file" : "";
        string complaint = log.LastError?.Replace(input + ": ", "", StringComparison.Ordinal) ?? $"exit code {exitCode}";
        if (exitCode != 0)
        {
            throw new AudioException($"{name} is no audio file that ffmpeg can read (\"{complaint}\"){pipeHint}.");
        }

        if (sampleCount == 0 && log.LastError is not null)
        {
            throw new AudioException($"{name} holds no sound that ffmpeg can read (\"{complaint}\"){pipeHint}.");
        }

        double seconds = (double)sampleCount / AudioClip.SampleRate;
        if (log.IsCutOff(seconds))
        {
            throw new AudioException($"{name} is cut off or damaged: its header announces {log.DeclaredSeconds:F2} s of sound, but only {seconds:F2} s can be decoded; record or copy it again.");
        }
    }

    private static void Stop(Process process)
    {
        if (!process.HasExited)
        {
            process.Kill(entireProcessTree: true);
        }
    }
}
