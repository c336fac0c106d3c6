using System.CommandLine;
using System.Diagnostics;
using Handwritten.Model.VoiceActivity;
using Handwritten.Runtime;
using Handwritten.Runtime.Audio;
using Handwritten.Runtime.Batching;
using Handwritten.Runtime.Transcription;
using Handwritten.Runtime.VoiceActivity;

namespace Handwritten.Cli;

/// <summary>
/// The options that say how a recording is cut into windows: one after the other as openai/whisper does, or only its speech,
/// or independent windows that are computed side by side.
/// </summary>
internal sealed class BatchingSettings
{
    private readonly Option<int?> _batchSize = Define.Count("--batch-size",
        "Cut recordings at silences and compute this many windows at a time, those of several recordings together. [default: one after the other, not cut]",
        BatchedTranscriber.LargestBatch);

    private readonly Option<bool> _vadFilter = Define.Flag("--vad-filter", "Leave out what is no speech before the model hears it.");

    private readonly VoiceActivitySettings _vad = new("--vad-");

    private readonly Option<OrNone<double>> _chunkLength = Optional.Number("--chunk-length",
        "Cut recordings into windows of this many seconds that overlap, and merge their texts.", null, 1, 30);

    private readonly Option<OrNone<double>> _stride = Optional.Number("--stride",
        "With --chunk-length: how much of a window its neighbours hear as well, on either side; None for a sixth.", null, 0, 15);

    private SileroVad? _network;

    /// <summary>Adds the options to a command.</summary>
    public void AddTo(Command command)
    {
        foreach (Option option in new Option[] { _batchSize, _vadFilter, _chunkLength, _stride })
        {
            command.Add(option);
        }

        _vad.AddTo(command);
    }

    /// <summary>Refuses what contradicts itself.</summary>
    /// <param name="parsed">The command line.</param>
    /// <param name="decoding">The options beside these.</param>
    /// <exception cref="UsageException">It does.</exception>
    public void Verify(ParseResult parsed, DecodingSettings decoding)
    {
        bool filter = parsed.GetValue(_vadFilter), overlap = Overlap(parsed) is not null, silences = parsed.GetValue(_batchSize) is not null && !overlap;
        Refuse(overlap && filter, $"{_chunkLength.Name} cuts by the clock, and {_vadFilter.Name} at silences: give only one of them.");
        Refuse(
            silences && !filter && IsGiven(parsed, _vadFilter),
            $"{_batchSize.Name} cuts at silences, which {_vadFilter.Name} False forbids: leave it out, or cut by the clock with {_chunkLength.Name}.");
        Refuse(!overlap && parsed.GetValue(_stride).Value is not null, $"{_stride.Name} says how windows overlap: give {_chunkLength.Name} as well.");
        Refuse(
            !filter && !silences && _vad.FirstGiven(parsed) is not null,
            $"{_vad.FirstGiven(parsed)} says what speech is: give {_vadFilter.Name} or {_batchSize.Name} as well.");
        Refuse(
            decoding.HasClips(parsed) && (filter || overlap),
            $"{DecodingSettings.ClipsName} names what to transcribe, and so does {(filter ? _vadFilter.Name : _chunkLength.Name)}: give only one of them.");
        Refuse(
            decoding.AsksForPreviousText(parsed) && IsBatched(parsed),
            $"The windows of {(overlap ? _chunkLength.Name : _batchSize.Name)} do not know the text before them: leave out --condition-on-previous-text.");
        Refuse(
            overlap && decoding.AsksForHallucinations(parsed),
            $"--hallucination-silence-threshold moves windows, and {_chunkLength.Name} fixes them: give only one of them.");
        Overlap(parsed)?.Verify();
        _ = _vad.Read(parsed, new());
    }

    /// <summary>Whether windows are computed side by side.</summary>
    public bool IsBatched(ParseResult parsed) => parsed.GetValue(_batchSize) is not null || Overlap(parsed) is not null;

    /// <summary>How recordings are cut by the clock; null if they are not.</summary>
    private OverlappingWindows? Overlap(ParseResult parsed) =>
        parsed.GetValue(_chunkLength).Value is double length ? new OverlappingWindows(length, parsed.GetValue(_stride).Value) : null;

    private IReadOnlyList<SpeechWindow> CutAtSilences(ParseResult parsed, TranscriptionOptions options, DecodingSettings decoding, AudioClip clip, CancellationToken cancellation) =>
        SpeechWindows.Collect(decoding.HasClips(parsed)
            ? SpeechWindows.RegionsOf(options.Clips, clip.Samples.Length)
            : FindSpeech(clip, _vad.Read(parsed, VoiceActivityOptions.ForWindows), cancellation));

    /// <summary>Begins to transcribe a recording whose windows go on from each other.</summary>
    /// <exception cref="Runtime.Decoding.OptionsException">The options make no sense, or not for this recording.</exception>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    public ITranscriptionRun Start(ParseResult parsed, Transcriber transcriber, AudioClip clip, TranscriptionOptions options, CancellationToken cancellation) =>
        parsed.GetValue(_vadFilter)
            ? new SpeechOnlyRun(transcriber, clip.Samples, FindSpeech(clip, _vad.Read(parsed, new()), cancellation), options, cancellation)
            : transcriber.Start(clip.Samples, options, cancellation);

    /// <summary>Transcribes recordings whose windows share batches.</summary>
    /// <param name="parsed">The command line.</param>
    /// <param name="decoding">How windows are decoded.</param>
    /// <param name="options">What these gave.</param>
    /// <param name="loop">Loads recordings and the model.</param>
    /// <param name="recordings">The recordings.</param>
    /// <param name="narrator">Tells how it goes.</param>
    /// <param name="finish">Takes a recording, its sound, and what makes its transcript.</param>
    /// <param name="cancellation">Ends it.</param>
    /// <returns>The exit code of the first recording that failed.</returns>
    public ExitCode Run(
        ParseResult parsed, DecodingSettings decoding, TranscriptionOptions options, RecordingLoop loop, IReadOnlyList<string> recordings, Narrator narrator,
        Action<string, AudioClip, Func<Transcript>> finish, CancellationToken cancellation)
    {
        OverlappingWindows? overlap = Overlap(parsed);
        TranscriptionOptions fitting = options;
        Stopwatch watch = new();
        (double seconds, List<string> done) = (0, []);
        BatchedRecordings batched = new(
            recording => loop.Load(recording, cancellation),
            clip => overlap is null ? CutAtSilences(parsed, options, decoding, clip, cancellation) : [],
            () =>
            {
                fitting = decoding.For(parsed, options, loop.Model, narrator);
                BatchedTranscriber transcriber = new(loop.Model, fitting, parsed.GetValue(_batchSize) ?? 1);
                watch.Start();
                return transcriber;
            },
            (transcriber, clip, windows) => overlap is null ? transcriber.Start(clip.Samples, windows, cancellation) : transcriber.Start(clip.Samples, overlap, cancellation));
        ExitCode exitCode = batched.Run(recordings, (recording, clip, run) => finish(recording, clip, () =>
        {
            narrator.Follow(recording, run, loop.Model, fitting);
            seconds += clip.Seconds;
            done.Add(clip.Source.Name);
            return run.Transcript;
        }), cancellation);
        if (done.Count > 0)
        {
            // Recordings share their time, so that there is one number for all of them.
            narrator.Summarise(done is [var only] ? only : $"{done.Count} recordings", seconds, watch, loop.Model);
        }

        return exitCode;
    }

    private static bool IsGiven(ParseResult parsed, Option option) => parsed.GetResult(option) is { Implicit: false };

    private static void Refuse(bool contradiction, string sentence)
    {
        if (contradiction)
        {
            throw new UsageException(sentence);
        }
    }

    private IReadOnlyList<SpeechRegion> FindSpeech(AudioClip clip, VoiceActivityOptions options, CancellationToken cancellation) =>
        SpeechRegions.Find(_network ??= SileroVad.Load(), clip.Samples, options, cancellation);
}
