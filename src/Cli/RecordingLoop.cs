using System.CommandLine;
using Handwritten.Model;
using Handwritten.Runtime.Audio;
using Handwritten.Runtime.Decoding;
using Handwritten.Runtime.Output;
using Handwritten.Runtime.Transcription;

namespace Handwritten.Cli;

/// <summary>
/// Does the same with several recordings. What is wrong with one of them is reported and leaves the others alone; what
/// is wrong with the model ends the loop.
/// </summary>
internal sealed class RecordingLoop(ModelOptions model, ParseResult parsed) : IDisposable
{
    private LoadedModel? _loaded;
    private Transcriber? _transcriber;

    /// <summary>The model; loaded when it is first asked for.</summary>
    public WhisperModel Model => (_loaded ??= model.Load(parsed)).Model;

    /// <summary>Whether a failure is one recording's, so that the others can go on.</summary>
    public static bool IsOfOneRecording(Exception failure) => failure is AudioException or OutputException or OptionsException;

    /// <summary>Tells of a recording's failure.</summary>
    /// <exception cref="OperationCanceledException">It was cancelled.</exception>
    public static ExitCode Report(string recording, Exception failure, CancellationToken cancellation)
    {
        // Ctrl-C reaches the program that pipes a recording as well: what is cut off then is no failure.
        cancellation.ThrowIfCancellationRequested();
        return Application.Report(failure is OptionsException ? new UsageException($"'{recording}': {failure.Message}") : failure);
    }

    /// <summary>Runs the work for one recording after the other.</summary>
    /// <returns>The exit code of the first recording that failed.</returns>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    public ExitCode Run(IEnumerable<string> recordings, Action<string, AudioClip, Transcriber> work, CancellationToken cancellation)
    {
        ExitCode exitCode = ExitCode.Ok;
        foreach (string recording in recordings)
        {
            try
            {
                // The model comes second: a mistyped file name is told at once, however large the model.
                AudioClip clip = AudioFile.Load(recording, cancellation);
                _transcriber ??= new Transcriber(Model);
                work(recording, clip, _transcriber);
            }
            catch (Exception failure) when (IsOfOneRecording(failure))
            {
                ExitCode code = Report(recording, failure, cancellation);
                exitCode = exitCode == ExitCode.Ok ? code : exitCode;
            }
        }

        return exitCode;
    }

    public void Dispose()
    {
        _transcriber?.Dispose();
        _loaded?.Dispose();
    }
}
