using Handwritten.Runtime.Decoding;
using Handwritten.Runtime.Transcription.Words;

namespace Handwritten.Runtime.Serving;

/// <summary>Something that only the engine's thread may do, since it owns the model; a request's thread waits for it.</summary>
/// <param name="run">Who asks.</param>
internal abstract class EngineJob(RecordingRun run)
{
    /// <summary>Who asks.</summary>
    public RecordingRun Run { get; } = run;

    /// <summary>Lets who waits go on with an exception.</summary>
    public abstract void Fail(Exception exception);
}

/// <inheritdoc/>
/// <typeparam name="TResult">What comes of it.</typeparam>
internal abstract class EngineJob<TResult>(RecordingRun run) : EngineJob(run)
{
    private readonly TaskCompletionSource<TResult> _result = new();

    /// <summary>Waits for the result.</summary>
    public TResult Wait() => _result.Task.GetAwaiter().GetResult();

    /// <summary>Lets who waits go on.</summary>
    public void Complete(TResult result) => _result.SetResult(result);

    /// <inheritdoc/>
    public override void Fail(Exception exception) => _result.TrySetException(exception);
}

/// <summary>Computes the spectrogram of a recording, which stays with the run: its frames, silence behind it included.</summary>
internal sealed class SpectrogramJob(RecordingRun run, ReadOnlyMemory<float> samples) : EngineJob<int>(run)
{
    /// <summary>The recording.</summary>
    public ReadOnlyMemory<float> Samples { get; } = samples;
}

/// <summary>Encodes frames of the run's spectrogram and has the decoder listen to them.</summary>
internal sealed class ListenJob(RecordingRun run, int seek, int frames) : EngineJob<bool>(run)
{
    /// <summary>The first frame.</summary>
    public int Seek { get; } = seek;

    /// <summary>Frames that hold audio.</summary>
    public int Frames { get; } = frames;
}

/// <summary>Detects the language of the window that the run listens to: the logits of all tokens behind the start token.</summary>
internal sealed class LanguageJob(RecordingRun run) : EngineJob<float[]>(run);

/// <summary>Decodes the window that the run listens to.</summary>
internal sealed class DecodeJob(RecordingRun run, DecodingOptions options) : EngineJob<FoundTexts>(run)
{
    /// <summary>How.</summary>
    public DecodingOptions Options { get; } = options;

    /// <summary>When it was asked for.</summary>
    public long Since { get; } = System.Diagnostics.Stopwatch.GetTimestamp();
}

/// <summary>Finds the words of the window that the run listens to.</summary>
internal sealed class AlignJob(RecordingRun run, IReadOnlyList<int> textTokens, DecodingOptions options, int frames) : EngineJob<IReadOnlyList<WordTiming>>(run)
{
    /// <summary>Their tokens.</summary>
    public IReadOnlyList<int> TextTokens { get; } = textTokens;

    /// <summary>How they were decoded.</summary>
    public DecodingOptions Options { get; } = options;

    /// <summary>Frames that hold audio.</summary>
    public int Frames { get; } = frames;
}

/// <summary>Takes off their lists jobs that wait until the engine's thread comes to them.</summary>
internal static class WaitingJobs
{
    /// <summary>Lets a job wait no longer whose request is cancelled.</summary>
    /// <returns>Whether it is. Asked once: who is cancelled between two questions would be taken off the list, and wait for ever.</returns>
    public static bool FailIfCancelled(EngineJob job) => job.Run.IsCancelled && Fail(job, job.Run.Cancelled());

    /// <summary>Lets nobody wait any longer.</summary>
    public static void FailAll<TJob>(this List<TJob> jobs, Exception exception)
        where TJob : EngineJob => jobs.RemoveAll(job => Fail(job, exception));

    /// <summary>Lets a job wait no longer.</summary>
    /// <returns>True.</returns>
    public static bool Fail(EngineJob job, Exception exception)
    {
        job.Fail(exception);
        return true;
    }
}
