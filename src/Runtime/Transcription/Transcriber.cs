using System.Diagnostics.CodeAnalysis;
using Handwritten.Model;
using Handwritten.Runtime.Audio;
using Handwritten.Runtime.Decoding;
using Handwritten.Runtime.Transcription.Words;

namespace Handwritten.Runtime.Transcription;

/// <summary>
/// Transcribes recordings with one model, one after the other. It owns the buffers of a window and of a token sequence.
/// </summary>
/// <remarks>
/// A model computes for one thread at a time, also where each has a transcriber of its own: who comes second on the CPU gets an
/// <see cref="InvalidOperationException"/>; a GPU does not notice. <see cref="WhisperTranscriber"/> serves any number of threads.
/// </remarks>
public sealed class Transcriber : IDisposable
{
    /// <summary>Rows of logits of a start sequence: behind its first token, and behind its last.</summary>
    private const int LeastOutputs = 2;

    /// <summary>Allocates the buffers.</summary>
    /// <param name="model">The model; not disposed with the transcriber.</param>
    public Transcriber(WhisperModel model)
    {
        Model = model;
        Allocate(windows: 1, lanes: 1, outputs: LeastOutputs);
    }

    /// <summary>The model.</summary>
    public WhisperModel Model { get; }

    internal EncoderState EncoderState { get; private set; }

    internal DecoderState DecoderState { get; private set; }

    internal DecodingTask DecodingTask { get; private set; }

    internal WordAligner WordAligner { get; private set; }

    /// <summary>
    /// Computes a recording's spectrogram, detects its language unless it is given, and returns the run that transcribes
    /// it as its segments are asked for. Only one run can be under way at a time.
    /// </summary>
    /// <param name="samples">Mono samples at 16 kHz in [−1, 1].</param>
    /// <param name="options">How.</param>
    /// <param name="cancellation">Checked between the encoder's layers and between tokens.</param>
    /// <exception cref="OptionsException">The options make no sense, or not for this recording.</exception>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    public TranscriptionRun Start(ReadOnlySpan<float> samples, TranscriptionOptions options, CancellationToken cancellation = default) =>
        new(this, samples, options, cancellation);

    /// <summary>Transcribes a whole recording.</summary>
    /// <param name="samples">Mono samples at 16 kHz in [−1, 1].</param>
    /// <param name="options">How.</param>
    /// <param name="cancellation">Checked between the encoder's layers and between tokens.</param>
    /// <exception cref="OptionsException">The options make no sense, or not for this recording.</exception>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    public Transcript Transcribe(ReadOnlySpan<float> samples, TranscriptionOptions options, CancellationToken cancellation = default)
    {
        using TranscriptionRun run = Start(samples, options, cancellation);
        foreach (Segment _ in run.Segments())
        {
            // The run keeps them.
        }

        return run.Transcript;
    }

    /// <summary>The languages of a recording's first 30 seconds, most probable first.</summary>
    /// <param name="samples">Mono samples at 16 kHz in [−1, 1].</param>
    /// <param name="cancellation">Checked between the encoder's layers.</param>
    /// <exception cref="AudioException">A sample is no number, or far beyond [−1, 1].</exception>
    /// <exception cref="InvalidOperationException">The model knows only English.</exception>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    public IReadOnlyList<LanguageProbability> DetectLanguage(ReadOnlySpan<float> samples, CancellationToken cancellation = default)
    {
        AudioClip.RequireSound(samples);
        using Kernels.Tensor mel = Model.Network.Frontend.Compute(samples, WhisperAudio.WindowSamples);
        Listen(mel, 0, WhisperAudio.WindowFrames, cancellation);
        return DecodingTask.DetectLanguage();
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        DecodingTask.Dispose();
        EncoderState.Dispose();
        DecoderState.Dispose();
    }

    /// <summary>Makes sure that there is room for windows, for the searches in them and, if asked, for many rows of logits.</summary>
    /// <param name="windows">Windows that are listened to at the same time.</param>
    /// <param name="lanes">Sequences that are under way at the same time.</param>
    /// <param name="words">Whether words are to be found.</param>
    /// <exception cref="OptionsException">There is too little memory.</exception>
    /// <exception cref="Kernels.Gpu.GpuException">The GPU's memory does not suffice.</exception>
    internal void Reserve(int windows, int lanes, bool words)
    {
        (int oldWindows, int oldLanes, int oldOutputs) = (EncoderState.Batch, DecoderState.Lanes, DecoderState.Outputs);
        int outputs = Math.Max(words ? WordAligner.RowsAtOnce : LeastOutputs, lanes);
        if (windows <= oldWindows && lanes <= oldLanes && outputs <= oldOutputs)
        {
            return;
        }

        Dispose();
        try
        {
            Allocate(Math.Max(windows, oldWindows), Math.Max(lanes, oldLanes), Math.Max(outputs, oldOutputs));
        }
        catch (Exception failure)
        {
            // There is not enough memory for this recording; the next one may ask for less.
            Allocate(oldWindows, oldLanes, oldOutputs);
            if (failure is OutOfMemoryException)
            {
                throw new OptionsException($"There is too little memory for {windows} windows (batch_size) with {lanes} sequences in all (beam_size, best_of) at a time: choose smaller ones.");
            }

            throw;
        }
    }

    /// <summary>Encodes a window of a spectrogram and has the decoder listen to it.</summary>
    /// <param name="mel">The recording's spectrogram, [frames, mels].</param>
    /// <param name="seek">The window's first frame.</param>
    /// <param name="frames">Its frames; zeros follow up to 3000.</param>
    /// <param name="cancellation">Checked between the encoder's layers.</param>
    internal void Listen(Kernels.Tensor mel, int seek, int frames, CancellationToken cancellation) =>
        Listen([(mel, seek, frames)], cancellation);

    /// <summary>Encodes windows side by side and has the decoder listen to them, numbered in their order.</summary>
    /// <param name="windows">Of each the spectrogram, its first frame there and its frames.</param>
    /// <param name="cancellation">Checked between the encoder's layers.</param>
    internal void Listen(IReadOnlyList<(Kernels.Tensor Mel, int Seek, int Frames)> windows, CancellationToken cancellation)
    {
        for (int i = 0; i < windows.Count; i++)
        {
            Model.Network.Kernels.CopyWindow(windows[i].Mel, windows[i].Seek, windows[i].Frames, EncoderState.LogMel, index: i);
        }

        Model.Network.Encoder.Forward(EncoderState, windows.Count, cancellation: cancellation);
        Model.Network.Decoder.Listen(DecoderState, EncoderState.Output, [.. Enumerable.Range(0, windows.Count)]);
    }

    [MemberNotNull(nameof(EncoderState), nameof(DecoderState), nameof(DecodingTask), nameof(WordAligner))]
    private void Allocate(int windows, int lanes, int outputs)
    {
        EncoderState = Model.Network.Encoder.CreateState(windows);
        try
        {
            DecoderState = Model.Network.Decoder.CreateState(windows, lanes, outputs);
        }
        catch
        {
            EncoderState.Dispose();
            throw;
        }

        DecodingTask = new DecodingTask(Model, DecoderState);
        WordAligner = new WordAligner(Model, DecoderState);
    }
}
