using Handwritten.Model;
using Handwritten.Runtime.Batching;
using Handwritten.Runtime.Transcription;
using Handwritten.Runtime.VoiceActivity;

namespace Handwritten.Runtime.Settings;

/// <summary>How recordings are cut into windows, as people choose it.</summary>
public sealed record WindowChoice
{
    /// <summary>faster-whisper's names for silence and batches, and the pipeline's of Hugging Face transformers for overlapping windows.</summary>
    public static IReadOnlyList<Setting<WindowChoice>> Settings { get; } =
    [
        Choose("batch_size", "Cut recordings at silences and compute this many windows at a time, those of several recordings together; None for one after the other, not cut.",
            ValueKind.WholeNumber(1, BatchedTranscriber.LargestBatch).OrNone(), choice => choice.BatchSize, (choice, value) => choice with { BatchSize = value }),
        Choose("vad_filter", "Leave out what is no speech before the model hears it.", ValueKind.Flag,
            choice => choice.VadFilter, (choice, value) => choice with { VadFilter = value }),
        Choose("chunk_length", "The longest window of recordings that are cut at silences, in seconds. Where they are not, or with a stride: cut recordings into windows of this length that overlap, and merge their texts.",
            ValueKind.Number(1, 30).OrNone(), choice => choice.ChunkLength, (choice, value) => choice with { ChunkLength = value }),
        Choose("stride", "With a length of windows: how much of each its neighbours hear as well, on either side, in seconds; None for a sixth where windows overlap.",
            ValueKind.Number(0, 15).OrNone(), choice => choice.Stride, (choice, value) => choice with { Stride = value }),
        .. SpeechChoice.Settings.Select(setting => new SpeechSetting(setting) { Name = $"vad_{setting.Name}", Description = setting.Description }),
    ];

    /// <summary>See <see cref="WindowOptions.BatchSize"/>.</summary>
    public int? BatchSize { get; init; }

    /// <summary>See <see cref="WindowOptions.VadFilter"/>.</summary>
    public bool VadFilter { get; init; }

    /// <summary>See <see cref="WindowOptions.LongestSeconds"/> and, where windows overlap, <see cref="OverlappingWindows.LengthSeconds"/>.</summary>
    public double? ChunkLength { get; init; }

    /// <summary>See <see cref="OverlappingWindows.StrideSeconds"/>.</summary>
    public double? Stride { get; init; }

    /// <summary>What counts as speech.</summary>
    public SpeechChoice Speech { get; init; } = new();

    /// <summary>Whether recordings are cut at silences into windows that are computed side by side.</summary>
    public bool CutsAtSilences => BatchSize is not null && !Overlaps;

    /// <summary>Whether recordings are cut by the clock: as transformers does it, and not faster-whisper.</summary>
    public bool Overlaps => ChunkLength is not null && (BatchSize is null || Stride is not null);

    /// <summary>The options.</summary>
    public WindowOptions ToOptions() => new()
    {
        BatchSize = BatchSize,
        VadFilter = VadFilter,
        VoiceActivity = CutsAtSilences ? Speech.ToOptions(VoiceActivityOptions.ForWindows) : VadFilter || Speech != new SpeechChoice() ? Speech.ToOptions(new()) : null,
        LongestSeconds = CutsAtSilences && ChunkLength is double longest ? longest : WhisperAudio.WindowSeconds,
        Overlap = Overlaps && ChunkLength is double length ? new OverlappingWindows(length, Stride) : null,
    };

    private static Setting<WindowChoice> Choose<T>(
        string name, string description, ValueKind<T> kind, Func<WindowChoice, T> get, Func<WindowChoice, T, WindowChoice> set) =>
        new Setting<WindowChoice, T>(kind, get, set) { Name = name, Description = description };

    /// <summary>A setting of speech among those of windows.</summary>
    private sealed class SpeechSetting(Setting<SpeechChoice> speech) : Setting<WindowChoice>
    {
        public override string Placeholder => speech.Placeholder;

        public override string JsonType => speech.JsonType;

        public override IReadOnlyCollection<string> Words => speech.Words;

        public override bool IsList => speech.IsList;

        public override WindowChoice Apply(WindowChoice options, string name, string text) => options with { Speech = speech.Apply(options.Speech, name, text) };

        public override string Show(WindowChoice options) => speech.Show(options.Speech);
    }
}
