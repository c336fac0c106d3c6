using System.Globalization;
using System.Net;
using System.Text.Json;
using Handwritten.Kernels;
using Handwritten.Kernels.Cpu;
using Handwritten.Model;
using Handwritten.Runtime.Audio;
using Xunit;

namespace Handwritten.Server.Tests.Spectrograms;

[Collection(OneServerForAll.Name)]
public sealed class SpectrogramTests(SharedServer shared)
{
    private readonly RunningServer _server = shared.Server;

    [Theory]
    [InlineData(0)]
    [InlineData(1.5)]
    public async Task It_is_the_spectrogram_that_the_model_hears(double start)
    {
        JsonElement answer = await (await SpectrogramAsync(("start", start.ToString(CultureInfo.InvariantCulture)))).JsonAsync();
        float[] samples = [.. AudioFile.Load(RunningServer.Recording).Samples.Skip((int)(start * WhisperAudio.SampleRate))];
        (int frames, int bands) = (answer.GetProperty("frames").GetInt32(), answer.GetProperty("bands").GetInt32());
        Assert.Equal((samples.Length / 160, 80), (frames, bands));

        using CpuKernels kernels = new(1);
        using LogMelFrontend frontend = new(bands, kernels);
        using Tensor mel = frontend.Compute(samples, WhisperAudio.WindowSamples - samples.Length);
        float[] expected = new float[mel.ElementCount];
        kernels.Read(mel, expected);
        (double lowest, double highest) = (answer.GetProperty("lowest").GetDouble(), answer.GetProperty("highest").GetDouble());
        byte[] levels = answer.GetProperty("levels").GetBytesFromBase64();
        Assert.Equal(frames * bands, levels.Length);
        double step = (highest - lowest) / 255;
        Assert.Equal(2, highest - lowest, 0.5); // 80 dB at most, over 4
        Assert.All(levels.Zip(expected), pair => Assert.Equal(pair.Second, lowest + (pair.First * step), 0.51 * step));
    }

    [Theory]
    [InlineData("start", "99", 400, "invalid_value")]
    [InlineData("start", "-1", 400, "invalid_value")]
    [InlineData("model", "gpt-9", 404, "model_not_found")]
    [InlineData("beam_size", "5", 400, "unknown_parameter")]
    public async Task A_field_that_makes_no_sense_is_named(string field, string value, int status, string code)
    {
        using HttpResponseMessage response = await SpectrogramAsync((field, value));
        (_, _, string? parameter, string? actual) = await response.ErrorAsync();
        Assert.Equal((status, field, code), ((int)response.StatusCode, parameter, actual));
    }

    [Fact]
    public async Task What_is_no_recording_is_refused()
    {
        using HttpResponseMessage response = await _server.Client.PostAsync("/v1/audio/log-mel", RunningServer.Form("no sound"u8.ToArray()));
        Assert.Equal((HttpStatusCode.BadRequest, "invalid_audio"), (response.StatusCode, (await response.ErrorAsync()).Code));
    }

    private Task<HttpResponseMessage> SpectrogramAsync(params (string, string)[] fields) => _server.Client.PostAsync("/v1/audio/log-mel", RunningServer.Form(fields));
}
