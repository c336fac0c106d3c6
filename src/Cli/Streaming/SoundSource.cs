using System.Buffers.Binary;
using System.ComponentModel;
using System.Diagnostics;
using System.Runtime.CompilerServices;
using Handwritten.Runtime.Audio;

namespace Handwritten.Cli.Streaming;

/// <summary>Where live sound comes from: 16-bit samples, 16 kHz, one channel, as they are spoken.</summary>
internal sealed class SoundSource : IDisposable
{
    /// <summary>What stands for the microphone.</summary>
    public const string Microphone = "mic";

    /// <summary>A tenth of a second.</summary>
    private const int PieceBytes = AudioClip.SampleRate / 10 * sizeof(short);

    private static readonly TimeSpan CtrlC = TimeSpan.FromMilliseconds(200);

    private readonly Stream _stream;
    private readonly Process? _recorder;
    private readonly Task<string>? _complaints;
    private readonly bool _isPaced;
    private bool _hasEnded;

    private SoundSource(Stream stream, Process? recorder, bool isPaced)
    {
        (_stream, _recorder, _isPaced) = (stream, recorder, isPaced);
        _complaints = recorder?.StandardError.ReadToEndAsync();
    }

    /// <summary>Opens a source.</summary>
    /// <param name="name"><see cref="Microphone"/>, a recording, or - for standard input.</param>
    /// <param name="device">The microphone's name; null for the system's default.</param>
    /// <param name="cancellation">Ends the loading of a recording.</param>
    /// <exception cref="AudioException">A recording cannot be read.</exception>
    /// <exception cref="UsageException">There is no program that records.</exception>
    public static SoundSource Open(string name, string? device, CancellationToken cancellation)
    {
        if (name == Microphone && !File.Exists(name))
        {
            Process recorder = Record(device);
            return new SoundSource(recorder.StandardOutput.BaseStream, recorder, isPaced: false);
        }

        if (name == AudioFile.StandardInput)
        {
            return new SoundSource(Console.OpenStandardInput(), null, isPaced: false);
        }

        float[] samples = AudioFile.Load(name, cancellation).Samples;
        byte[] bytes = new byte[samples.Length * sizeof(short)];
        for (int i = 0; i < samples.Length; i++)
        {
            BinaryPrimitives.WriteInt16LittleEndian(bytes.AsSpan(i * sizeof(short)), (short)Math.Clamp(samples[i] * 32768, short.MinValue, short.MaxValue));
        }

        return new SoundSource(new MemoryStream(bytes), null, isPaced: true);
    }

    /// <summary>The sound in pieces of a tenth of a second.</summary>
    /// <param name="stopping">Ends it as if it had come to its end: no more is recorded, and what was recorded before still comes.</param>
    public async IAsyncEnumerable<ReadOnlyMemory<byte>> ReadAsync([EnumeratorCancellation] CancellationToken stopping)
    {
        using CancellationTokenRegistration stop = stopping.Register(EndRecorder);
        byte[] piece = new byte[PieceBytes];
        long begun = Stopwatch.GetTimestamp();
        for (double seconds = 0.1; await ReadAsync(piece, stopping) is int count and > 0; seconds += 0.1)
        {
            yield return piece.AsMemory(0, count);
            if (_isPaced && TimeSpan.FromSeconds(seconds) - Stopwatch.GetElapsedTime(begun) is { Ticks: > 0 } early)
            {
                await Task.Delay(early, stopping).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
        }

        _hasEnded = !stopping.IsCancellationRequested;
    }

    /// <summary>Finds out whether sound that came to its end did so as it should.</summary>
    /// <param name="stopping">Somebody has ended it: then it did.</param>
    /// <exception cref="AudioException">The microphone's program has failed.</exception>
    public async Task RequireSuccessAsync(CancellationToken stopping)
    {
        if (_recorder is null || !_hasEnded)
        {
            return; // a recording, or a recorder that was ended here
        }

        await _recorder.WaitForExitAsync(stopping).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        if (!stopping.IsCancellationRequested && _recorder.ExitCode != 0)
        {
            await Task.Delay(CtrlC, stopping).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing); // which the recorder hears too, and may hear first
            if (stopping.IsCancellationRequested)
            {
                return;
            }

            string complaint = (await _complaints!).TrimEnd().Split('\n')[^1].Trim().TrimEnd('.');
            throw new AudioException($"The microphone cannot be recorded: {_recorder.StartInfo.FileName} ended with status {_recorder.ExitCode}{(complaint.Length > 0 ? $" ({complaint})" : "")}. Name another with --microphone.");
        }
    }

    public void Dispose()
    {
        EndRecorder();
        _recorder?.Dispose();
        _stream.Dispose();
    }

    /// <summary>The next piece; empty at the end.</summary>
    private async Task<int> ReadAsync(byte[] piece, CancellationToken stopping)
    {
        // What a recorder has written comes before its end; a recording or a silent pipe goes on for longer than anybody waits.
        Task<int> read = _stream.ReadAtLeastAsync(piece, piece.Length, throwOnEndOfStream: false, CancellationToken.None).AsTask();
        if (_recorder is null)
        {
            await ((Task)read.WaitAsync(stopping)).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            if (stopping.IsCancellationRequested)
            {
                return 0;
            }
        }

        return await read;
    }

    private void EndRecorder()
    {
        if (_recorder is { HasExited: false })
        {
            _recorder.Kill(entireProcessTree: true);
        }
    }

    private static Process Record(string? device)
    {
        string[] ffmpeg = ["-hide_banner", "-loglevel", "error", "-nostdin", .. FfmpegInput(device), "-f", "s16le", "-ac", "1", "-ar", "16000", "-"];
        string[] arecord = ["-q", "-t", "raw", "-f", "S16_LE", "-r", "16000", "-c", "1", .. device is null ? Array.Empty<string>() : ["-D", device]];
        foreach ((string program, string[] arguments) in OperatingSystem.IsLinux() ? [("arecord", arecord), ("ffmpeg", ffmpeg)] : new[] { ("ffmpeg", ffmpeg) })
        {
            try
            {
                return Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true })!;
            }
            catch (Win32Exception)
            {
                // It is not installed; there may be another one.
            }
        }

        throw new UsageException("No program records from the microphone here: install ffmpeg (or, on Linux, alsa-utils), or pipe samples into 'handwritten stream -'.");
    }

    private static string[] FfmpegInput(string? device) => 0 switch
    {
        _ when OperatingSystem.IsMacOS() => ["-f", "avfoundation", "-i", $":{device ?? "default"}"],
        _ when OperatingSystem.IsWindows() => ["-f", "dshow", "-i", $"audio={device ?? "default"}"],
        _ => ["-f", "pulse", "-i", device ?? "default"],
    };
}
