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
/// <param name="options">The model's options.</param>
/// <param name="parsed">The command line.</param>
/// <param name="load">Loads a recording.</param>
internal sealed class RecordingLoop(ModelOptions options, ParseResult parsed, Func<string, CancellationToken, AudioClip> load) : IDisposable
{
    private WhisperModel? _model;
    private RecordingTranscriber? _transcriber;

    /// <summary>The model; it is loaded when it is first needed, which may be never.</summary>
    /// <exception cref="ModelException">It cannot be used.</exception>
    public WhisperModel Model => _model ??= options.Load(parsed);

    /// <summary>The model at work.</summary>
    /// <exception cref="ModelException">It cannot be used.</exception>
    public RecordingTranscriber Transcriber => _transcriber ??= new RecordingTranscriber(Model);

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

    /// <summary>Loads a recording.</summary>
    /// <exception cref="AudioException">It cannot be read.</exception>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    public AudioClip Load(string recording, CancellationToken cancellation) => load(recording, cancellation);

    /// <summary>Has batches that would not be full ask for more recordings, if there is a model at work.</summary>
    public void ShareBatches(Func<bool>? more) => _transcriber?.More = more;

    /// <summary>Runs the work for one recording after the other.</summary>
    /// <returns>The exit code of the first recording that failed.</returns>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    public ExitCode Run(IEnumerable<string> recordings, Action<string, AudioClip> work, CancellationToken cancellation)
    {
        ExitCode exitCode = ExitCode.Ok;
        foreach (string recording in recordings)
        {
            try
            {
                // The model comes second: a mistyped file name is told at once, however large the model.
                work(recording, load(recording, cancellation));
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
        _model?.Dispose();
    }
}
