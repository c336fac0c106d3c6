using Handwritten.Kernels;
using Handwritten.Kernels.Cpu;
using Handwritten.Model;
using Handwritten.Runtime.Audio;
using Handwritten.Runtime.Serving;
using Handwritten.Server.Access;
using Handwritten.Server.Errors;
using Handwritten.Server.Models;
using Handwritten.Server.Operation;
using Handwritten.Server.Requests;
using Handwritten.Server.Uploads;

namespace Handwritten.Server.Spectrograms;

/// <summary>What a model hears of a recording, to look at.</summary>
internal static class SpectrogramEndpoints
{
    public static void Map(IEndpointRouteBuilder clients) => clients
        .MapPost("/v1/audio/log-mel", async (HttpContext context, SpectrogramService spectrograms) => Results.Json(await spectrograms.AnswerAsync(context), Json.Options))
        .WithTags("Spectrograms")
        .WithSummary("The log-mel spectrogram of up to 30 seconds of a recording, with as many bands as the model hears.")
        .Accepts<SpectrogramForm>("multipart/form-data")
        .Produces<SpectrogramAnswer>()
        .ProducesErrors();
}

/// <summary>
/// Computes spectrograms on the CPU, beside the models and not in their queue: a window takes milliseconds. The floor hangs
/// on the loudest moment of the window, as where windows are transcribed one by one; a recording that is transcribed in one
/// piece has a single floor, that of its own loudest moment.
/// </summary>
internal sealed class SpectrogramService(Scratch scratch, RecordingDecoder decoder, ModelCatalogue models, LastCall lastCall)
{
    /// <summary>Answers a request.</summary>
    /// <exception cref="ApiException">It makes no sense.</exception>
    public async Task<SpectrogramAnswer> AnswerAsync(HttpContext context)
    {
        using CancellationTokenSource ending = lastCall.Within(context);
        CancellationToken cancellation = ending.Token;
        using UploadedForm form = await UploadedForm.ReadAsync(context.Request, scratch, cancellation);
        RequestFields fields = new(form.Fields);
        ModelHost host = models.Find(fields.Text("model"));
        double start = fields.Number("start", 0, 1e6) ?? 0;
        fields.RefuseUnknown();
        using DecodedRecording recording = await decoder.DecodeAsync(form.RecordingPath, RequestPriority.Interactive, Client.Of(context).Name, cancellation);
        AudioClip clip = recording.Clip;
        int first = (int)(start * WhisperAudio.SampleRate);
        if (first >= clip.Samples.Length)
        {
            throw ApiException.BadField("start", FormattableString.Invariant($"start is {start} s, but the recording ends at {clip.Seconds:0.00} s."));
        }

        using ModelLease lease = await host.AcquireAsync(cancellation);
        int bands = lease.Model.Model.Dimensions.MelBins;
        return await Task.Run(() => Compute(clip.Samples.AsMemory(first, Math.Min(WhisperAudio.WindowSamples, clip.Samples.Length - first)).Span, start, bands), cancellation);
    }

    private static SpectrogramAnswer Compute(ReadOnlySpan<float> samples, double start, int bands)
    {
        using CpuKernels kernels = new(threads: 1);
        using LogMelFrontend frontend = new(bands, kernels);
        using Tensor mel = frontend.Compute(samples, WhisperAudio.WindowSamples - samples.Length);
        float[] all = new float[mel.ElementCount];
        kernels.Read(mel, all);
        int frames = Math.Max(1, samples.Length / WhisperAudio.HopLength);
        ReadOnlySpan<float> values = all.AsSpan(0, frames * bands);

        (float lowest, float highest) = (float.PositiveInfinity, float.NegativeInfinity);
        foreach (float value in values)
        {
            (lowest, highest) = (Math.Min(lowest, value), Math.Max(highest, value));
        }

        byte[] levels = new byte[values.Length];
        float scale = highest > lowest ? byte.MaxValue / (highest - lowest) : 0;
        for (int i = 0; i < levels.Length; i++)
        {
            levels[i] = (byte)MathF.Round((values[i] - lowest) * scale);
        }

        return new SpectrogramAnswer("log_mel", start, WhisperAudio.FramesPerSecond, frames, bands, lowest, highest, levels);
    }
}

/// <summary>The fields of a spectrogram, for the OpenAPI document.</summary>
/// <param name="File">The recording, in any format that ffmpeg reads.</param>
/// <param name="Model">The model that hears it; the default one if left out.</param>
/// <param name="Start">Where the window begins, in seconds.</param>
internal sealed record SpectrogramForm(IFormFile File, string? Model, double? Start);

/// <summary>A log-mel spectrogram.</summary>
/// <param name="Object">Always <c>log_mel</c>.</param>
/// <param name="Start">Where it begins in the recording, in seconds.</param>
/// <param name="FramesPerSecond">Always 100.</param>
/// <param name="Frames">How many frames it has: at most 3000.</param>
/// <param name="Bands">Mel bands: 80, or 128 from large-v3 on.</param>
/// <param name="Lowest">What the level 0 stands for.</param>
/// <param name="Highest">What the level 255 stands for.</param>
/// <param name="Levels">A byte for each number in base64: frame by frame, in each the lowest band first.</param>
public sealed record SpectrogramAnswer(
    string Object, double Start, int FramesPerSecond, int Frames, int Bands, double Lowest, double Highest, byte[] Levels);
