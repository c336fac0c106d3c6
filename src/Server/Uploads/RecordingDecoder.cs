using Handwritten.Runtime.Audio;
using Handwritten.Server.Errors;

namespace Handwritten.Server.Uploads;

/// <summary>
/// Turns recordings of strangers into samples, a few at a time, within limits of time, memory and length: a file of a
/// kilobyte can claim to hold days.
/// </summary>
internal sealed class RecordingDecoder : IDisposable
{
    private readonly SemaphoreSlim _turns;
    private readonly Ffmpeg _ffmpeg;

    public RecordingDecoder(ServerOptions options)
    {
        _turns = new SemaphoreSlim(options.DecodingProcesses);
        _ffmpeg = Ffmpeg.OnPath.Within(new AudioLimits
        {
            MaximumSeconds = options.MaximumAudioSeconds,
            Timeout = options.DecodingTimeout,
            MemoryBytes = options.DecodingMemoryBytes,
            OnlyContainers = true,
        });
    }

    /// <summary>Decodes a recording.</summary>
    /// <param name="path">The file.</param>
    /// <param name="cancellation">Ends ffmpeg.</param>
    /// <exception cref="ApiException">It cannot be read, or is longer than allowed.</exception>
    public async Task<AudioClip> DecodeAsync(string path, CancellationToken cancellation)
    {
        await _turns.WaitAsync(cancellation);
        try
        {
            return await Task.Run(() => AudioFile.Load(path, _ffmpeg, cancellation), cancellation);
        }
        catch (AudioException failure)
        {
            // The sentence is about our file; the client knows it as the recording.
            throw new ApiException(StatusCodes.Status400BadRequest, failure.Message.Replace($"'{path}'", "The recording", StringComparison.Ordinal), parameter: "file", code: "invalid_audio", innerException: failure);
        }
        finally
        {
            _turns.Release();
        }
    }

    public void Dispose() => _turns.Dispose();
}
