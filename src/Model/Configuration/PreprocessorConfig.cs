namespace Handwritten.Model.Configuration;

// preprocessor_config.json describes the log-mel front end. All Whisper models share one, but for the number of mel
// bins: 16 kHz audio in windows of 30 s, a Fourier transform of 400 samples (25 ms) every 160 samples (10 ms).
//
//     30 s * 16000 Hz = 480000 samples;  480000 / 160 = 3000 frames;  the encoder halves them: 1500 positions
//
// The front end does exactly this, so a file that asks for something else is refused and not half obeyed.

/// <summary>What <c>preprocessor_config.json</c> says, or what takes its place where there is none.</summary>
public sealed record PreprocessorConfig
{
    /// <summary>The file's name in a model folder.</summary>
    public const string FileName = "preprocessor_config.json";

    /// <summary>Where transformers 5 puts the same fields, in a section of a file for the whole processor.</summary>
    private const string NewFileName = "processor_config.json";

    private const string Remedy = "use a model with the front end of openai/whisper";

    /// <summary>Mel bins of a frame.</summary>
    public required int MelBins { get; init; }

    /// <summary>Samples per second.</summary>
    public int SampleRate { get; } = WhisperAudio.SampleRate;

    /// <summary>Samples from one frame to the next.</summary>
    public int HopLength { get; } = WhisperAudio.HopLength;

    /// <summary>Samples under one Fourier transform.</summary>
    public int FftSize { get; } = WhisperAudio.FourierSize;

    /// <summary>Length of a window in seconds.</summary>
    public int ChunkSeconds { get; } = WhisperAudio.WindowSeconds;

    /// <summary>Samples of a window: 480,000.</summary>
    public int ChunkSamples { get; } = WhisperAudio.WindowSamples;

    /// <summary>Frames of a window: 3,000.</summary>
    public int ChunkFrames { get; } = WhisperAudio.WindowFrames;

    /// <summary>Reads <c>preprocessor_config.json</c> of a model folder, if there is one.</summary>
    /// <param name="folder">The model folder.</param>
    /// <param name="config">Its config.json: the encoder has to take what the front end delivers.</param>
    /// <exception cref="ModelException">
    /// The file is damaged, contradicts config.json, or asks for something that Whisper's front end does not do.
    /// </exception>
    public static PreprocessorConfig Load(string folder, WhisperConfig config)
    {
        PreprocessorConfig front = new() { MelBins = config.Dimensions.MelBins };
        if (config.Dimensions.AudioContext != front.ChunkFrames / 2)
        {
            throw new ModelException($"{Path.Combine(folder, WhisperConfig.FileName)}: \"max_source_positions\" is {config.Dimensions.AudioContext}, but a window of {front.ChunkSeconds} s fills {front.ChunkFrames / 2} positions; {Remedy}.");
        }

        JsonFile? file = JsonFile.TryOpen(folder, FileName) ?? JsonFile.TryOpen(folder, NewFileName)?.Section("feature_extractor");
        if (file is null)
        {
            return front;
        }

        const string expectedType = "WhisperFeatureExtractor";
        if (file.Text("feature_extractor_type") is string type and not expectedType)
        {
            throw file.Wrong("feature_extractor_type", $"is \"{type}\", but only {expectedType} is known", Remedy);
        }

        if (file.Integer("feature_size") is int size && size != front.MelBins)
        {
            throw file.Wrong("feature_size", $"is {size}, but \"num_mel_bins\" in {WhisperConfig.FileName} is {front.MelBins}", "take both files from the same model");
        }

        foreach ((string field, double only) in (ReadOnlySpan<(string, double)>)
        [
            ("sampling_rate", front.SampleRate),
            ("hop_length", front.HopLength),
            ("n_fft", front.FftSize),
            ("chunk_length", front.ChunkSeconds),
            ("n_samples", front.ChunkSamples),
            ("nb_max_frames", front.ChunkFrames),
            ("padding_value", 0),
            ("dither", 0),
        ])
        {
            if (file.Number(field) is double value && value != only)
            {
                throw file.Wrong(field, $"is {value}, but the front end only does {only}", Remedy);
            }
        }

        if (file.Text("padding_side") is string side and not "right")
        {
            throw file.Wrong("padding_side", $"is \"{side}\", but the front end only pads on the \"right\"", Remedy);
        }

        return front;
    }
}
