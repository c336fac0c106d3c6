using Handwritten.Runtime.Audio;
using Handwritten.Runtime.Serving;
using Handwritten.Server.Errors;

namespace Handwritten.Server.Uploads;

/// <summary>
/// Turns recordings of strangers into samples, a few at a time, within limits of time, memory and length: a file of a
/// kilobyte can claim to hold days. Nobody knows beforehand which is long, so each is taken for a short one until its file, the
/// time that it takes or the samples that come say otherwise; then it begins again as a long one. What that costs is bounded, as the
/// turn of a short one is.
/// </summary>
internal sealed class RecordingDecoder(ServerOptions options, DecodingTurns turns, SoundMemory memory, TimeProvider time)
{
    /// <summary>A larger file takes long, whatever is in it.</summary>
    private const long LargeFile = 32 << 20;

    private static readonly TimeSpan ShortTurn = TimeSpan.FromSeconds(10);

    private readonly Ffmpeg _ffmpeg = Ffmpeg.OnPath;

    /// <summary>Decodes a recording.</summary>
    /// <param name="path">The file.</param>
    /// <param name="priority">Who waits for it.</param>
    /// <param name="client">Whose it is.</param>
    /// <param name="cancellation">Ends ffmpeg.</param>
    /// <returns>The samples, whose memory is given back when it is disposed.</returns>
    /// <exception cref="ApiException">It cannot be read, is longer than allowed, or takes more memory than there is.</exception>
    /// <exception cref="EngineBusyException">Too many wait, or others have the memory.</exception>
    public async Task<DecodedRecording> DecodeAsync(string path, RequestPriority priority, string client, CancellationToken cancellation)
    {
        long bytes = new FileInfo(path).Length;
        bool isLong = bytes > LargeFile;
        TimeSpan waited = TimeSpan.Zero;
        while (true)
        {
            long begun = time.GetTimestamp();
            using IDisposable turn = await turns.TakeAsync(priority, client, isLong, bytes, cancellation);
            waited += time.GetElapsedTime(begun);
            SoundMemory.Share share = memory.Open();
            try
            {
                return new DecodedRecording(await LoadAsync(path, isLong, share, cancellation), share, waited);
            }
            catch (OperationCanceledException) when (!isLong && !cancellation.IsCancellationRequested)
            {
                share.Dispose();
                isLong = true;
                bytes = LargeFile; // it takes as long as one, however small it is
            }
            catch (AudioException failure)
            {
                share.Dispose();

                // The sentence is about our file; the client knows it as the recording.
                throw new ApiException(StatusCodes.Status400BadRequest, failure.Message.Replace($"'{path}'", "The recording", StringComparison.Ordinal), parameter: "file", code: "invalid_audio", innerException: failure);
            }
            catch
            {
                share.Dispose();
                throw;
            }
        }
    }

    /// <summary>Decodes it in one turn.</summary>
    /// <exception cref="OperationCanceledException">It is not as short as was thought, or cancelled.</exception>
    private async Task<AudioClip> LoadAsync(string path, bool isLong, SoundMemory.Share share, CancellationToken cancellation)
    {
        using CancellationTokenSource ending = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        if (!isLong)
        {
            ending.CancelAfter(ShortTurn);
        }

        Ffmpeg ffmpeg = _ffmpeg.Within(new AudioLimits
        {
            MaximumSeconds = options.MaximumAudioSeconds,
            Timeout = options.DecodingTimeout,
            MemoryBytes = options.DecodingMemoryBytes,
            OnlyContainers = true,
            OnSamples = samples =>
            {
                if (!isLong && samples > SoundMemory.LongSamples)
                {
                    ending.Cancel();
                    ending.Token.ThrowIfCancellationRequested();
                }

                share.Grow(samples);
            },
        });
        return await Task.Run(() => AudioFile.Load(path, ffmpeg, ending.Token), ending.Token);
    }
}
