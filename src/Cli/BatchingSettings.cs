using System.CommandLine;
using System.Diagnostics;
using Handwritten.Runtime;
using Handwritten.Runtime.Audio;
using Handwritten.Runtime.Settings;
using Handwritten.Runtime.Transcription;
using Handwritten.Runtime.VoiceActivity;

namespace Handwritten.Cli;

/// <summary>
/// The options that say how a recording is cut into windows: one after the other as openai/whisper does, or only its speech,
/// or independent windows that are computed side by side.
/// </summary>
internal sealed class BatchingSettings
{
    private static readonly string BatchSize = Name("batch_size"), VadFilter = Name("vad_filter"), ChunkLength = Name("chunk_length"), Stride = Name("stride");

    private readonly SettingOptions<WindowChoice> _settings = new(WindowChoice.Settings, new WindowChoice());

    /// <summary>Adds the options to a command.</summary>
    public void AddTo(Command command)
    {
        foreach (Option option in _settings.Options)
        {
            command.Add(option);
        }
    }

    /// <summary>What was chosen, here and in the options beside these.</summary>
    /// <param name="parsed">The command line.</param>
    /// <param name="decoding">The options beside these.</param>
    /// <exception cref="UsageException">Options contradict each other.</exception>
    public TranscriptionOptions Read(ParseResult parsed, DecodingSettings decoding)
    {
        TranscriptionOptions options = decoding.Read(parsed);
        WindowChoice choice = _settings.Read(parsed);
        bool overlap = choice.Overlaps, filter = choice.VadFilter, silences = choice.CutsAtSilences;
        Refuse(overlap && filter, $"{ChunkLength} cuts by the clock, and {VadFilter} at silences: give only one of them.");
        Refuse(
            silences && !filter && _settings.IsGiven(parsed, "vad_filter"),
            $"{BatchSize} cuts at silences, which {VadFilter} False forbids: leave it out, or cut by the clock with {ChunkLength} and {Stride}.");
        Refuse(choice.ChunkLength is null && choice.Stride is not null, $"{Stride} says how windows overlap: give {ChunkLength} as well.");
        string? speech = SpeechChoice.Settings.Select(setting => $"vad_{setting.Name}").FirstOrDefault(name => _settings.IsGiven(parsed, name));
        Refuse(!filter && !silences && speech is not null, $"{Name(speech ?? "")} says what speech is: give {VadFilter} or {BatchSize} as well.");
        Refuse(
            choice.Speech.NegativeThreshold > (choice.Speech.Threshold ?? new VoiceActivityOptions().Threshold),
            $"{Name("vad_neg_threshold")} is above {Name("vad_threshold")}, so that speech would end before it begins: give a smaller one, or leave it out.");
        Refuse(
            decoding.HasClips(parsed) && (filter || overlap),
            $"{DecodingSettings.ClipsName} names what to transcribe, and so does {(filter ? VadFilter : ChunkLength)}: give only one of them.");
        Refuse(
            decoding.AsksForPreviousText(parsed) && (overlap || silences),
            $"The windows of {(overlap ? ChunkLength : BatchSize)} do not know the text before them: leave out --condition-on-previous-text.");
        Refuse(
            overlap && decoding.AsksForHallucinations(parsed),
            $"--hallucination-silence-threshold moves windows, and {ChunkLength} fixes them: give only one of them.");
        WindowOptions windows = choice.ToOptions();
        windows.Overlap?.Verify();
        return options with { Windows = windows };
    }

    /// <summary>Transcribes recordings whose windows share batches.</summary>
    /// <param name="options">What <see cref="Read"/> gave.</param>
    /// <param name="loop">Loads recordings and the model.</param>
    /// <param name="recordings">The recordings.</param>
    /// <param name="narrator">Tells how it goes.</param>
    /// <param name="known">The transcript of a sound, where that was made before and nothing is to be heard; asked on another thread.</param>
    /// <param name="finish">Takes a recording, its sound, what is known, and what makes its transcript where nothing is.</param>
    /// <param name="cancellation">Ends it.</param>
    /// <returns>The exit code of the first recording that failed.</returns>
    public static ExitCode Run(
        TranscriptionOptions options, RecordingLoop loop, IReadOnlyList<string> recordings, Narrator narrator,
        Func<AudioClip, Transcript?> known, Action<string, AudioClip, Transcript?, Func<Transcript>> finish, CancellationToken cancellation)
    {
        TranscriptionOptions? fitting = null;
        Stopwatch watch = new();
        (double seconds, List<string> done) = (0, []);
        BatchedRecordings batched = new(
            recording =>
            {
                AudioClip clip = loop.Load(recording, cancellation);
                return known(clip) is { } transcript
                    ? new LoadedRecording(clip, Prepared: null, transcript)
                    : new LoadedRecording(clip, PreparedRecording.Of(clip.Samples, options, cancellation), Known: null);
            },
            prepared =>
            {
                fitting ??= DecodingSettings.For(options, loop.Model, narrator.Tell);
                RecordingTranscriber transcriber = loop.Transcriber;
                watch.Start();
                return transcriber.Start(prepared with { Options = fitting }, cancellation);
            },
            more => loop.ShareBatches(more));
        ExitCode exitCode = batched.Run(recordings, (recording, loaded, run) => finish(recording, loaded.Clip, loaded.Known, () =>
        {
            narrator.Follow(recording, run!, loop.Model, fitting!);
            seconds += loaded.Clip.Seconds;
            done.Add(loaded.Clip.Source.Name);
            return run!.Transcript;
        }), cancellation);
        if (done.Count > 0)
        {
            // Recordings share their time, so that there is one number for all of them.
            narrator.Summarise(done is [var only] ? only : $"{done.Count} recordings", seconds, watch, loop.Model);
        }

        return exitCode;
    }

    private static string Name(string setting) => SettingOptions<WindowChoice>.NameOf(setting);

    private static void Refuse(bool contradiction, string sentence)
    {
        if (contradiction)
        {
            throw new UsageException(sentence);
        }
    }
}
