using Handwritten.Runtime.Audio;
using Handwritten.Runtime.Transcription;

namespace Handwritten.Cli;

/// <summary>
/// Does the same with several recordings whose windows share batches. The next recordings are loaded and cut while a batch
/// is computed; results come recording by recording, in the order they were named. What is wrong with one of them is
/// reported in its turn and leaves the others alone; what is wrong with the model ends the loop.
/// </summary>
/// <param name="load">Loads a recording and finds what in it is to be heard.</param>
/// <param name="start">Lets a recording wait for batches; called for the first when that has been loaded.</param>
/// <param name="shareBatches">Has batches that would not be full ask for more recordings.</param>
internal sealed class BatchedRecordings(
    Func<string, (AudioClip Clip, PreparedRecording Prepared)> load,
    Func<PreparedRecording, ITranscriptionRun> start,
    Action<Func<bool>?> shareBatches)
{
    /// <summary>Sound that is loaded ahead of the recordings that are in batches, at most so much and a recording more.</summary>
    private const double SecondsAhead = 600;

    /// <summary>Runs the work for one recording after the other.</summary>
    /// <param name="recordings">Their names.</param>
    /// <param name="work">Asks for the segments; the run is disposed behind it.</param>
    /// <param name="cancellation">Ends it.</param>
    /// <returns>The exit code of the first recording that failed.</returns>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    public ExitCode Run(IEnumerable<string> recordings, Action<string, AudioClip, ITranscriptionRun> work, CancellationToken cancellation)
    {
        ExitCode exitCode = ExitCode.Ok;
        Queue<Recording> started = [];
        using Lookahead<Recording> ahead = new(recordings.Select(Prepare), recording => recording.Clip?.Seconds ?? 0, SecondsAhead);
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

            if (next.Prepared is { } prepared)
            {
                next = next with { Run = start(prepared) };
                shareBatches(StartNext);
            }

            started.Enqueue(next);
            return true;
        }
    }

    private static ExitCode Finish(Recording recording, Action<string, AudioClip, ITranscriptionRun> work, CancellationToken cancellation)
    {
        try
        {
            using ITranscriptionRun? run = recording.Run;
            if (recording.Clip is null || run is null)
            {
                throw recording.Failure!;
            }

            work(recording.Name, recording.Clip, run);
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
            (AudioClip clip, PreparedRecording prepared) = load(name);
            return new Recording(name, clip, prepared, Failure: null, Run: null);
        }
        catch (Exception failure) when (RecordingLoop.IsOfOneRecording(failure))
        {
            return new Recording(name, Clip: null, Prepared: null, failure, Run: null);
        }
    }

    /// <summary>A recording on its way.</summary>
    private sealed record Recording(string Name, AudioClip? Clip, PreparedRecording? Prepared, Exception? Failure, ITranscriptionRun? Run);
}
