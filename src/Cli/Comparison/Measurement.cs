using System.Diagnostics;
using Handwritten.Model;
using Handwritten.Runtime;
using Handwritten.Runtime.Audio;
using Handwritten.Runtime.Evaluation;
using Handwritten.Runtime.Transcription;

namespace Handwritten.Cli.Comparison;

/// <summary>What a model with its settings made of some recordings.</summary>
/// <param name="Settings">What is compared: the options, or the model's name where there are none.</param>
/// <param name="Model">The model's name.</param>
/// <param name="Device">What it ran on.</param>
/// <param name="AudioSeconds">Length of the recordings.</param>
/// <param name="Seconds">Time to transcribe them, without loading model or files.</param>
/// <param name="LoadSeconds">Time to load the model.</param>
/// <param name="PeakMemoryBytes">The most resident memory that the process had.</param>
/// <param name="Words">Word errors of all recordings.</param>
/// <param name="Characters">Character errors of all recordings.</param>
/// <param name="Files">Each recording.</param>
internal sealed record Measurement(
    string Settings, string Model, string Device, double AudioSeconds, double Seconds, double LoadSeconds, long PeakMemoryBytes,
    ErrorCount Words, ErrorCount Characters, IReadOnlyList<Judgement> Files)
{
    /// <summary>Seconds for a second of audio; below 1 is faster than speech.</summary>
    public double RealTimeFactor => Seconds / AudioSeconds;

    /// <summary>
    /// Transcribes and judges. Before the clock starts, the model hears the first recording's beginning, so that neither
    /// compilation nor cold caches are measured; recordings are loaded one at a time, so that memory is the model's.
    /// </summary>
    /// <param name="settings">What to call it.</param>
    /// <param name="recordings">The recordings.</param>
    /// <param name="listen">Loads one of them.</param>
    /// <param name="references">What was said in each of them.</param>
    /// <param name="normalizer">Name of the normal form, or <c>auto</c>.</param>
    /// <param name="load">Loads the model.</param>
    /// <param name="fit">Options as the model can follow them.</param>
    /// <param name="progress">Told after each recording.</param>
    /// <param name="cancellation">Ends it.</param>
    public static Measurement Take(
        string? settings, IReadOnlyList<string> recordings, Func<string, AudioClip> listen, IReadOnlyList<ReferenceText> references, string normalizer,
        Func<WhisperModel> load, Func<WhisperModel, TranscriptionOptions> fit, Action<double> progress, CancellationToken cancellation)
    {
        AudioClip clip = listen(recordings[0]);
        long start = Stopwatch.GetTimestamp();
        using WhisperModel model = load();
        using RecordingTranscriber transcriber = new(model);
        double loadSeconds = Stopwatch.GetElapsedTime(start).TotalSeconds;
        TranscriptionOptions options = fit(model);
        TranscriptionOptions beginning = options with { Clips = [0] };
        transcriber.Transcribe(PreparedRecording.Of(clip.Samples.AsMemory(0, Math.Min(clip.Samples.Length, WhisperAudio.WindowSamples)), beginning, cancellation), cancellation);

        double audioSeconds = 0, seconds = 0;
        List<Judgement> files = [];
        for (int i = 0; i < recordings.Count; i++)
        {
            clip = i == 0 ? clip : listen(recordings[i]);
            start = Stopwatch.GetTimestamp();
            Transcript transcript = transcriber.Transcribe(PreparedRecording.Of(clip.Samples, options, cancellation), cancellation);
            seconds += Stopwatch.GetElapsedTime(start).TotalSeconds;
            audioSeconds += clip.Seconds;
            string? language = options.Decoding.Language ?? references[i].Language ?? transcript.Language;
            files.Add(Judgement.Of(recordings[i], references[i].Text, transcript.Text, normalizer, language));
            progress(i + 1);
        }

        ErrorTotal total = ErrorTotal.Of(files);
        using Process process = Process.GetCurrentProcess();
        return new Measurement(
            settings ?? model.Name, model.Name, model.Network.Kernels.DeviceDescription, audioSeconds, seconds, loadSeconds, process.PeakWorkingSet64,
            total.Words, total.Characters, files);
    }
}
