using System.Diagnostics;
using Handwritten.Kernels;
using Handwritten.Model;

namespace Handwritten.Cli.Bench;

/// <summary>How long a whole recording takes.</summary>
/// <param name="AudioSeconds">Length of the recording.</param>
/// <param name="Windows">Windows of 30 s in it.</param>
/// <param name="Tokens">Tokens of each window.</param>
/// <param name="Milliseconds">From the samples in the host's memory to the last token there.</param>
/// <param name="LogMelMilliseconds">What of it the spectrogram took.</param>
/// <param name="EncoderMilliseconds">What of it the encoder took.</param>
/// <param name="ListenMilliseconds">What of it the projection to the cross-attention's keys and values took.</param>
/// <param name="DecoderMilliseconds">What of it prompts and steps took.</param>
internal sealed record RecordingTime(
    double AudioSeconds, int Windows, int Tokens, double Milliseconds,
    double LogMelMilliseconds, double EncoderMilliseconds, double ListenMilliseconds, double DecoderMilliseconds)
{
    /// <summary>Time taken for a second of audio.</summary>
    public double RealTimeFactor => Milliseconds / 1e3 / AudioSeconds;
}

/// <summary>
/// Times a recording of noise, window after window in batches, from samples to tokens; every window is made to yield the same
/// number of tokens, so that the work is known and can be compared with another program's.
/// </summary>
internal static class RecordingBenchmark
{
    private const int PromptTokens = 4; // as a transcript begins: start, language, task, timestamps or none

    /// <summary>Runs it once to warm up, on one batch, and then as a whole.</summary>
    /// <param name="network">The model.</param>
    /// <param name="batch">Windows at a time.</param>
    /// <param name="seconds">Length of the recording.</param>
    /// <param name="tokens">Tokens of each window.</param>
    /// <param name="cancellation">Ends it between two batches.</param>
    public static RecordingTime Run(WhisperNetwork network, int batch, int seconds, int tokens, CancellationToken cancellation)
    {
        using EncoderState encoder = network.Encoder.CreateState(batch);
        using EndlessText text = new(network, batch);
        float[] samples = Noise.Samples(seconds * WhisperAudio.SampleRate);
        Once(samples.AsSpan(0, Math.Min(samples.Length, batch * WhisperAudio.WindowSamples)));
        return Once(samples);

        RecordingTime Once(ReadOnlySpan<float> recording)
        {
            IKernels kernels = network.Kernels;
            double encoding = 0, listening = 0, decoding = 0;
            kernels.Synchronize();
            long start = Stopwatch.GetTimestamp(), last = start;
            using Tensor mel = network.Frontend.Compute(recording, 0);
            double melTime = Lap();

            int frames = mel.Shape[0], windows = (frames + WhisperAudio.WindowFrames - 1) / WhisperAudio.WindowFrames;
            for (int first = 0; first < windows; first += batch)
            {
                cancellation.ThrowIfCancellationRequested();
                int count = Math.Min(batch, windows - first);
                for (int i = 0; i < count; i++)
                {
                    int frame = (first + i) * WhisperAudio.WindowFrames;
                    kernels.CopyWindow(mel, frame, Math.Min(WhisperAudio.WindowFrames, frames - frame), encoder.LogMel, i);
                }

                network.Encoder.Forward(encoder, count, cancellation: cancellation);
                encoding += Lap();
                network.Decoder.Listen(text.State, encoder.Output, [.. Enumerable.Range(0, count)]);
                listening += Lap();
                text.Prompt(count, PromptTokens);
                text.Follow(count, PromptTokens);
                text.Steps(tokens - 1); // the prompt has chosen the first
                int chosen = text.Read();
                decoding += Lap();
                if (chosen < tokens)
                {
                    throw new InvalidOperationException($"A text of {tokens} tokens has ended after {chosen}.");
                }
            }

            double all = Stopwatch.GetElapsedTime(start).TotalMilliseconds;
            return new RecordingTime((double)recording.Length / WhisperAudio.SampleRate, windows, tokens, all, melTime, encoding, listening, decoding);

            double Lap()
            {
                kernels.Synchronize();
                long now = Stopwatch.GetTimestamp();
                double time = Stopwatch.GetElapsedTime(last, now).TotalMilliseconds;
                last = now;
                return time;
            }
        }
    }
}
