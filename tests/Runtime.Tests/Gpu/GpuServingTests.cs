using Handwritten.Kernels.Gpu;
using Handwritten.Model;
using Handwritten.Runtime.Serving;
using Handwritten.Runtime.Tests.Serving;
using Handwritten.Runtime.Transcription;
using Xunit;

namespace Handwritten.Runtime.Tests.Gpu;

/// <summary>The serving engine on the CUDA back end: windows join and leave the recorded steps.</summary>
[Collection(nameof(GpuTests))]
public sealed class GpuServingTests(GpuFixture gpu)
{
    private static readonly TranscriptionOptions English = new() { Decoding = new() { Language = "en" }, Temperatures = [0] };

    [Fact]
    public async Task Requests_in_company_get_the_segments_that_they_get_alone()
    {
        WhisperModel model = gpu.Open(ComputeType.Float16);
        (string Clip, TranscriptionOptions Options)[] requests =
        [
            ("02-en.wav", English),
            ("10-en.wav", English),
            ("13-de.wav", new() { Temperatures = [0] }),
            ("03-en.wav", English with { Decoding = English.Decoding with { BestOf = 2, Seed = 3 }, Temperatures = [0.6] }),
            ("02-en.wav", English with { Decoding = English.Decoding with { BeamSize = 2 } }),
        ];
        Transcript[] alone;
        using (Transcriber transcriber = new(model))
        {
            alone = [.. requests.Select(request => transcriber.Transcribe(Clips.Samples(request.Clip), request.Options))];
        }

        await using TranscriptionEngine engine = new(model, new EngineOptions { Windows = 3, Lanes = 4, EncoderBatch = 2 });
        using ServedTranscription leaves = engine.Start(new EngineRequest(Clips.Samples("10-en.wav"), English));
        ServedTranscription[] served = [.. requests.Select(request => engine.Start(new EngineRequest(Clips.Samples(request.Clip), request.Options)))];
        await served[0].Transcript;
        leaves.Dispose();
        for (int i = 0; i < requests.Length; i++)
        {
            Clips.AssertSame(alone[i], await served[i].Transcript);
        }

        EngineStatistics statistics = await engine.Idle();
        Assert.True(statistics.StepRows > statistics.Steps, $"{statistics.StepRows} rows in {statistics.Steps} steps");
    }
}
