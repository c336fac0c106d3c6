using Handwritten.Kernels;
using Handwritten.Model;
using Handwritten.Model.Tokenization;
using Handwritten.Runtime.Decoding;
using Handwritten.Runtime.Transcription;
using Handwritten.Runtime.VoiceActivity;
using Microsoft.Extensions.DependencyInjection;

namespace Handwritten.Runtime.Tests.Api;

/// <summary>The examples of the documentation, as they stand there; <see cref="LibraryExampleTests"/> compares and runs them.</summary>
internal static class LibraryExamples
{
    public static async Task Print(string recording)
    {
        // example: segments
        await using WhisperTranscriber transcriber = WhisperTranscriber.Load("whisper-nano");

        await foreach (Segment segment in transcriber.TranscribeAsync(recording))
        {
            Console.WriteLine($"[{segment.Start:F2} --> {segment.End:F2}] {segment.Text}");
        }

        // end
    }

    public static async Task<Transcript> Search(Stream upload, CancellationToken cancellation)
    {
        // example: options
        ModelLoadOptions where = new() { Device = ComputeDevice.Cpu, Threads = 2 };
        await using WhisperTranscriber transcriber = WhisperTranscriber.Load("whisper-nano", where);

        TranscriptionOptions how = new()
        {
            Decoding = new DecodingOptions { Language = "en", Task = SpeechTask.Transcribe, BeamSize = 5 },
            WordTimestamps = true,
        };
        Progress<TranscriptionProgress> progress = new(now => Console.WriteLine($"{now.Fraction:P0}"));
        Transcript transcript = await transcriber.TranscribeAsync(upload, how, progress, cancellation).ToTranscriptAsync();

        foreach (Word word in transcript.Segments.SelectMany(segment => segment.Words!))
        {
            Console.WriteLine($"{word.Start:F2} {word.Text} ({word.Probability:P0})");
        }

        // end
        return transcript;
    }

    public static async Task<Transcript[]> TranscribeAll(IEnumerable<string> recordings)
    {
        // example: batches
        TranscriptionOptions batches = new()
        {
            Windows = new WindowOptions
            {
                BatchSize = 8,
                VoiceActivity = VoiceActivityOptions.ForWindows with { Threshold = 0.4 },
            },
        };
        await using WhisperTranscriber transcriber = WhisperTranscriber.Load("whisper-nano", null, batches);
        Transcript[] transcripts = await Task.WhenAll(recordings.Select(recording => transcriber.TranscribeAsync(recording).ToTranscriptAsync()));

        // end
        return transcripts;
    }

    public static ServiceProvider Register(IServiceCollection services)
    {
        // example: services
        services.AddHandwritten(options =>
        {
            options.Model = "whisper-nano";
            options.Device = ComputeDevice.Auto;
            options.Transcription = new TranscriptionOptions { WordTimestamps = true };
        });

        // end
        return services.BuildServiceProvider();
    }
}
