using System.CommandLine;
using System.Diagnostics;
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

    /// <summary>Adds the options to a command.</summary>
    public void AddTo(Command command)
    {
        foreach (Option option in new Option[] { _batchSize, _vadFilter, _chunkLength, _stride })
        {
            command.Add(option);
        }

        _vad.AddTo(command);
    }

    /// <summary>What was chosen, here and in the options beside these.</summary>
    /// <param name="parsed">The command line.</param>
    /// <param name="decoding">The options beside these.</param>
    /// <exception cref="UsageException">Options contradict each other.</exception>
    public TranscriptionOptions Read(ParseResult parsed, DecodingSettings decoding)
    {
        TranscriptionOptions options = decoding.Read(parsed);
        OverlappingWindows? overlapping = parsed.GetValue(_chunkLength).Value is double length ? new(length, parsed.GetValue(_stride).Value) : null;
        bool overlap = overlapping is not null, filter = parsed.GetValue(_vadFilter), silences = parsed.GetValue(_batchSize) is not null && !overlap;
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
            $"{decoding.ClipsName} names what to transcribe, and so does {(filter ? _vadFilter.Name : _chunkLength.Name)}: give only one of them.");
        Refuse(
            decoding.AsksForPreviousText(parsed) && (overlap || silences),
            $"The windows of {(overlap ? _chunkLength.Name : _batchSize.Name)} do not know the text before them: leave out --condition-on-previous-text.");
        Refuse(
            overlap && decoding.AsksForHallucinations(parsed),
            $"--hallucination-silence-threshold moves windows, and {_chunkLength.Name} fixes them: give only one of them.");
        overlapping?.Verify();
        return options with
        {
            Windows = new WindowOptions
            {
                BatchSize = parsed.GetValue(_batchSize),
                VadFilter = filter,
                VoiceActivity = filter || silences ? _vad.Read(parsed, silences ? VoiceActivityOptions.ForWindows : new()) : null,
                Overlap = overlapping,
            },
        };
    }

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
    public static ExitCode Run(
        ParseResult parsed, DecodingSettings decoding, TranscriptionOptions options, RecordingLoop loop, IReadOnlyList<string> recordings, Narrator narrator,
        Action<string, AudioClip, Func<Transcript>> finish, CancellationToken cancellation)
    {
        TranscriptionOptions? fitting = null;
        Stopwatch watch = new();
        (double seconds, List<string> done) = (0, []);
        BatchedRecordings batched = new(
            recording =>
            {
                AudioClip clip = loop.Load(recording, cancellation);
                return (clip, PreparedRecording.Of(clip.Samples, options, cancellation));
            },
            prepared =>
            {
                fitting ??= decoding.For(parsed, options, loop.Model, narrator);
                RecordingTranscriber transcriber = loop.Transcriber;
                watch.Start();
                return transcriber.Start(prepared with { Options = fitting }, cancellation);
            },
            more => loop.ShareBatches(more));
        ExitCode exitCode = batched.Run(recordings, (recording, clip, run) => finish(recording, clip, () =>
        {
            narrator.Follow(recording, run, loop.Model, fitting!);
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
}
