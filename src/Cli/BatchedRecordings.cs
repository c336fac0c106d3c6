using Handwritten.Runtime;
using Handwritten.Runtime.Audio;
using Handwritten.Runtime.Transcription;

namespace Handwritten.Cli;

/// <summary>
/// Does the same with several recordings whose windows share batches. The next recordings are loaded and cut while a batch
/// is computed; results come recording by recording, in the order they were named. What is wrong with one of them is
/// reported in its turn and leaves the others alone; what is wrong with the model ends the loop.
/// </summary>
/// <param name="load">Loads a recording and finds what in it is to be heard.</param>
/// <param name="start">Lets a recording wait for batches; called for the first when that has been loaded, and never for what is known.</param>
/// <param name="shareBatches">Has batches that would not be full ask for more recordings.</param>
internal sealed class BatchedRecordings(
    Func<string, LoadedRecording> load,
    Func<PreparedRecording, ITranscriptionRun> start,
    Action<Func<bool>?> shareBatches)
{
    /// <summary>Sound that is loaded ahead of the recordings that are in batches, at most so much and a recording more.</summary>
    private const double SecondsAhead = 600;

    /// <summary>Runs the work for one recording after the other.</summary>
    /// <param name="recordings">Their names.</param>
    /// <param name="work">Asks for the segments; the run, null where the transcript is known, is disposed behind it.</param>
    /// <param name="cancellation">Ends it.</param>
    /// <returns>The exit code of the first recording that failed.</returns>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    public ExitCode Run(IEnumerable<string> recordings, Action<string, LoadedRecording, ITranscriptionRun?> work, CancellationToken cancellation)
    {
        ExitCode exitCode = ExitCode.Ok;
        Queue<Recording> started = [];
        using Lookahead<Recording> ahead = new(recordings.Select(Prepare), recording => recording.Loaded?.Clip.Seconds ?? 0, SecondsAhead);
        try
        {
            while (started.Count > 0 || StartNext())
            {
                ExitCode code = Finish(started.Dequeue(), work, cancellation);
                exitCode = exitCode == ExitCode.Ok ? code : exitCode;
            }
        }
        finally
        {
            shareBatches(null);
        }

        return exitCode;

        bool StartNext()
        {
            cancellation.ThrowIfCancellationRequested();
            if (!ahead.TryTake(out Recording next))
            {
                return false;
            }

            if (next.Loaded?.Prepared is { } prepared)
            {
                next = next with { Run = start(prepared) };
                shareBatches(StartNext);
            }

            started.Enqueue(next);
            return true;
        }
    }

    private static ExitCode Finish(Recording recording, Action<string, LoadedRecording, ITranscriptionRun?> work, CancellationToken cancellation)
    {
        try
        {
            using ITranscriptionRun? run = recording.Run;
            work(recording.Name, recording.Loaded ?? throw recording.Failure!, run);
            return ExitCode.Ok;
        }
        catch (Exception failure) when (RecordingLoop.IsOfOneRecording(failure))
        {
            return RecordingLoop.Report(recording.Name, failure, cancellation);
        }
    }

    private Recording Prepare(string name)
    {
        try
        {
            return new Recording(name, load(name), Failure: null, Run: null);
        }
        catch (Exception failure) when (RecordingLoop.IsOfOneRecording(failure))
        {
            return new Recording(name, Loaded: null, failure, Run: null);
        }
    }

    /// <summary>A recording on its way.</summary>
    private sealed record Recording(string Name, LoadedRecording? Loaded, Exception? Failure, ITranscriptionRun? Run);
}

/// <summary>A recording that has been loaded.</summary>
/// <param name="Clip">Its sound.</param>
/// <param name="Prepared">What in it is to be heard; null where its transcript is known.</param>
/// <param name="Known">Its transcript, if that was made before.</param>
internal sealed record LoadedRecording(AudioClip Clip, PreparedRecording? Prepared, Transcript? Known);
