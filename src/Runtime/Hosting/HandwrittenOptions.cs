using Handwritten.Kernels;
using Handwritten.Kernels.Gpu;
using Handwritten.Model;
using Handwritten.Runtime.Transcription;

namespace Handwritten.Runtime.Hosting;

/// <summary>What an application that uses dependency injection chooses in <c>AddHandwritten</c>.</summary>
public sealed class HandwrittenOptions
{
    /// <summary>A folder as Hugging Face publishes it, or a name that <see cref="ModelFolder.Resolve(string, string?)"/> finds.</summary>
    public string Model { get; set; } = ModelFolder.Default;

    /// <summary>The device; <see cref="ComputeDevice.Auto"/> takes a GPU if there is one.</summary>
    public ComputeDevice Device { get; set; } = ComputeDevice.Auto;

    /// <summary>The types of activations and weights; null for float16 on a GPU, float32 on the CPU.</summary>
    public ComputeType? ComputeType { get; set; }

    /// <summary>Threads of the CPU; null for all.</summary>
    public int? Threads { get; set; }

    /// <summary>Receives sentences that somebody should read.</summary>
    public Action<string>? Warn { get; set; }

    /// <summary>What holds where a call has no options.</summary>
    public TranscriptionOptions Transcription { get; set; } = new();

    /// <summary>Loads the model.</summary>
    internal WhisperTranscriber Load() =>
        WhisperTranscriber.Load(Model, new ModelLoadOptions { Device = Device, ComputeType = ComputeType, Threads = Threads, Warn = Warn }, Transcription);
}
