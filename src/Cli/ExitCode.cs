using Handwritten.Kernels.Gpu;
using Handwritten.Model;
using Handwritten.Model.Tokenization;
using Handwritten.Runtime.Audio;
using Handwritten.Runtime.Decoding;
using Handwritten.Runtime.Hub;
using Handwritten.Runtime.Output;

namespace Handwritten.Cli;

/// <summary>What the program tells the shell. Scripts rely on the numbers.</summary>
internal enum ExitCode
{
    /// <summary>All went well.</summary>
    Ok = 0,

    /// <summary>A mistake in this program.</summary>
    Unexpected = 1,

    /// <summary>The command line makes no sense.</summary>
    WrongUsage = 2,

    /// <summary>A recording, or a transcript that is to be read, cannot be read.</summary>
    UnreadableAudio = 3,

    /// <summary>The model cannot be used.</summary>
    UnusableModel = 4,

    /// <summary>A result cannot be written.</summary>
    UnwritableOutput = 5,

    /// <summary>The model's activations are not the original's.</summary>
    NoParity = 6,

    /// <summary>The GPU that was asked for cannot be used, or failed, or there is too little memory.</summary>
    UnusableDevice = 7,

    /// <summary>A model cannot be downloaded.</summary>
    FailedDownload = 8,

    /// <summary>Ctrl-C; 128 + SIGINT, as shells have it.</summary>
    Interrupted = 130,
}

/// <summary>A command line that parses but makes no sense; the message is one sentence.</summary>
internal sealed class UsageException(string message) : Exception(message);

/// <summary>The one place that turns exceptions into exit codes.</summary>
internal static class ExitCodes
{
    /// <summary>The exit code of a failure.</summary>
    public static ExitCode Of(Exception failure) => failure switch
    {
        UsageException or OptionsException or TokenizationException => ExitCode.WrongUsage,
        AudioException or TranscriptException => ExitCode.UnreadableAudio,
        ModelException => ExitCode.UnusableModel,
        GpuException or OutOfMemoryException => ExitCode.UnusableDevice,
        HubException => ExitCode.FailedDownload,
        // Files have exceptions of their own, so what remains is standard output.
        OutputException or IOException or UnauthorizedAccessException => ExitCode.UnwritableOutput,
        OperationCanceledException => ExitCode.Interrupted,
        _ => ExitCode.Unexpected,
    };
}
