using Handwritten.Runtime.Audio;
using Handwritten.Runtime.Batching;
using Handwritten.Runtime.VoiceActivity;

namespace Handwritten.Cli;

/// <summary>
/// Does the same with several recordings whose windows share batches. The next recordings are loaded and cut while a batch
/// is computed; results come recording by recording, in the order they were named. What is wrong with one of them is
/// reported in its turn and leaves the others alone; what is wrong with the model ends the loop.
/// </summary>
/// <param name="load">Loads a recording.</param>
/// <param name="cut">Cuts it into windows.</param>
/// <param name="begin">Begins with the model; called when the first recording has been loaded. What it makes is disposed here.</param>
/// <param name="start">Lets a recording wait for batches.</param>
internal sealed class BatchedRecordings(
    Func<string, AudioClip> load,
    Func<AudioClip, IReadOnlyList<SpeechWindow>> cut,
    Func<BatchedTranscriber> begin,
    Func<BatchedTranscriber, AudioClip, IReadOnlyList<SpeechWindow>, BatchedRun> start)
{
    /// <summary>Sound that is loaded ahead of the recordings that are in batches, at most so much and a recording more.</summary>
    private const double SecondsAhead = 600;

    /// <summary>Runs the work for one recording after the other.</summary>
    /// <param name="recordings">Their names.</param>
    /// <param name="work">Asks for the segments; the run is disposed behind it.</param>
    /// <param name="cancellation">Ends it.</param>
    /// <returns>The exit code of the first recording that failed.</returns>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    public ExitCode Run(IEnumerable<string> recordings, Action<string, AudioClip, BatchedRun> work, CancellationToken cancellation)
    {
        ExitCode exitCode = ExitCode.Ok;
        Queue<Recording> started = [];
        BatchedTranscriber? transcriber = null;
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
            transcriber?.Dispose();
        }

        return exitCode;

        bool StartNext()
        {
            cancellation.ThrowIfCancellationRequested();
            if (!ahead.TryTake(out Recording next))
            {
                return false;
            }

            if (next.Clip is { } clip)
            {
                if (transcriber is null)
                {
                    transcriber = begin();
                    transcriber.More = StartNext;
                }

                next = next with { Run = start(transcriber, clip, next.Windows) };
            }

            started.Enqueue(next);
            return true;
        }
    }

    private static ExitCode Finish(Recording recording, Action<string, AudioClip, BatchedRun> work, CancellationToken cancellation)
    {
        try
        {
            using BatchedRun? run = recording.Run;
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
            AudioClip clip = load(name);
            return new Recording(name, clip, cut(clip), Failure: null, Run: null);
        }
        catch (Exception failure) when (RecordingLoop.IsOfOneRecording(failure))
        {
            return new Recording(name, Clip: null, [], failure, Run: null);
        }
    }

    /// <summary>A recording on its way.</summary>
    private sealed record Recording(string Name, AudioClip? Clip, IReadOnlyList<SpeechWindow> Windows, Exception? Failure, BatchedRun? Run);
}
