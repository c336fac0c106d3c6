using System.Diagnostics;
using System.Globalization;
using Handwritten.Model;
using Handwritten.Runtime;
using Handwritten.Runtime.Audio;
using Handwritten.Runtime.Output;
using Handwritten.Runtime.Transcription;

namespace Handwritten.Cli;

/// <summary>Tells the person at the keyboard how a transcription goes.</summary>
/// <param name="verbose">Whether segments are printed, on standard output.</param>
/// <param name="quiet">Whether nothing else is, on standard error.</param>
internal sealed class Narrator(bool verbose, bool quiet)
{
    /// <summary>Whether a bar may be shown.</summary>
    public bool ShowsProgress => !quiet;

    /// <summary>Says a sentence.</summary>
    public void Tell(string sentence)
    {
        if (!quiet)
        {
            Console.Error.WriteLine(sentence);
        }
    }

    /// <summary>Shows a transcript that was there already.</summary>
    public void Show(Transcript transcript)
    {
        foreach (Segment segment in transcript.Segments)
        {
            if (Line(segment) is { } line)
            {
                Console.Out.WriteLine(line);
            }
        }
    }

    /// <summary>Transcribes one recording; segments are printed as they come.</summary>
    /// <param name="recording">Its name.</param>
    /// <param name="clip">Its sound.</param>
    /// <param name="model">The model at work.</param>
    /// <param name="options">How.</param>
    /// <param name="start">Begins.</param>
    public Transcript Transcribe(string recording, AudioClip clip, WhisperModel model, TranscriptionOptions options, Func<ITranscriptionRun> start)
    {
        Stopwatch watch = Stopwatch.StartNew();
        using ITranscriptionRun run = start();
        Follow(recording, run, model, options);
        Summarise(clip.Source.Name, clip.Seconds, watch, model);
        return run.Transcript;
    }

    /// <summary>Asks for the segments of a recording and prints them as they come.</summary>
    /// <param name="recording">Its name.</param>
    /// <param name="run">Its transcription.</param>
    /// <param name="model">The model at work.</param>
    /// <param name="options">How.</param>
    public void Follow(string recording, ITranscriptionRun run, WhisperModel model, TranscriptionOptions options)
    {
        if (model.Tokenizer.Special.IsMultilingual && options.Decoding.Language is null)
        {
            Tell($"Detected language: {DecodingSettings.EnglishName(run.Language)}");
        }

        string title = Path.GetFileName(RecordingInputs.PathOf(recording));
        Terminal.WithProgress(title, run.Duration, ShowsProgress, progress =>
        {
            foreach (Segment segment in run.Segments())
            {
                if (Line(segment) is { } line)
                {
                    progress.Print(line);
                }

                progress.Report(run.Position);
            }
        });
    }

    /// <summary>Tells how long it took.</summary>
    /// <param name="what">What was transcribed.</param>
    /// <param name="audio">Its seconds.</param>
    /// <param name="watch">The time it took.</param>
    /// <param name="model">The model at work.</param>
    public void Summarise(string what, double audio, Stopwatch watch, WhisperModel model)
    {
        double seconds = watch.Elapsed.TotalSeconds;
        Tell(string.Create(CultureInfo.InvariantCulture,
            $"{what}: {audio:F1} s of audio in {seconds:F1} s, real-time factor {seconds / audio:F3}, {model.Name} on {model.Network.Kernels.DeviceDescription}"));
    }

    private string? Line(Segment segment) => verbose && segment.Text.Length > 0 ? $"[{Time(segment.Start)} --> {Time(segment.End)}] {segment.Text}" : null;

    private static string Time(double seconds) => Timestamp.Format(Timestamp.ToMilliseconds(seconds));
}
