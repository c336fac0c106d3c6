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
    private Transcriber? _transcriber;

    /// <summary>The model at work; it is loaded when it is first needed, which may be never.</summary>
    /// <exception cref="Model.ModelException">It cannot be used.</exception>
    public Transcriber Transcriber
    {
        get
        {
            _model ??= options.Load(parsed);
            return _transcriber ??= new Transcriber(_model);
        }
    }

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
            catch (Exception failure) when (failure is AudioException or OutputException or OptionsException)
            {
                // Ctrl-C reaches the program that pipes a recording as well: what is cut off then is no failure.
                cancellation.ThrowIfCancellationRequested();
                ExitCode code = Application.Report(failure is OptionsException ? new UsageException($"'{recording}': {failure.Message}") : failure);
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
