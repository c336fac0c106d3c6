using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using Handwritten.Model;
using Handwritten.Runtime;
using Handwritten.Runtime.Audio;
using Handwritten.Runtime.Output;
using Handwritten.Runtime.Transcription;

namespace Handwritten.Cli;

/// <summary>Tells the person at the keyboard how a transcription goes.</summary>
/// <remarks>
/// Standard output gets, byte for byte, what openai/whisper prints there (transcribe.py): a hint and the language where that is
/// detected, and a line for each segment. Everything else goes to standard error.
/// </remarks>
/// <param name="verbose">Whether segments are printed.</param>
/// <param name="quiet">Whether nothing but segments and failures is.</param>
internal sealed class Narrator(bool verbose, bool quiet)
{
    /// <summary>Whether a command line asks for nothing but segments and failures, of a command that can be asked.</summary>
    public static bool IsQuiet(ParseResult parsed) =>
        parsed.CommandResult.Command.Options.FirstOrDefault(option => option.Name == "--quiet") is Option<bool> quiet && parsed.GetValue(quiet);

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
    /// <param name="transcript">The transcript.</param>
    /// <param name="options">How it was made.</param>
    /// <param name="isMultilingual">Whether its model knows several languages; asked only where that is of interest.</param>
    public void Show(Transcript transcript, TranscriptionOptions options, Func<bool> isMultilingual)
    {
        if (options.Decoding.Language is null && isMultilingual())
        {
            ShowLanguage(transcript.Language, options);
        }

        foreach (Segment segment in verbose ? transcript.Segments : [])
        {
            Console.Out.WriteLine(Line(segment));
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
            ShowLanguage(run.Language, options);
        }

        string title = Path.GetFileName(RecordingInputs.PathOf(recording));
        Terminal.WithProgress(title, run.Duration, ShowsProgress, progress =>
        {
            foreach (Segment segment in run.Segments())
            {
                if (verbose)
                {
                    progress.Print(Line(segment));
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

    private void ShowLanguage(string language, TranscriptionOptions options)
    {
        if (quiet)
        {
            return;
        }

        if (verbose)
        {
            Console.Out.WriteLine($"Detecting language using up to the first {options.LanguageDetectionSegments * WhisperAudio.WindowSeconds} seconds. Use `--language` to specify the language");
        }

        Console.Out.WriteLine($"Detected language: {DecodingSettings.EnglishName(language)}");
    }

    private static string Line(Segment segment) => $"[{Time(segment.Start)} --> {Time(segment.End)}] {segment.ClearedText ?? segment.Text}";

    private static string Time(double seconds) => Timestamp.Format(Timestamp.ToMilliseconds(seconds));
}
