using Handwritten.Kernels;
using Handwritten.Model;
using Handwritten.Runtime.Audio;
using Handwritten.Runtime.Decoding;
using Handwritten.Tests;
using Xunit;

namespace Handwritten.Runtime.Tests.Decoding;

/// <summary>What a step of decoding leaves to the garbage collector: nothing, but for the texts that end with it.</summary>
public sealed class StepAllocationTests(DemoModel demo) : IClassFixture<DemoModel>
{
    [Theory]
    [InlineData("greedy")]
    [InlineData("samples")]
    [InlineData("beams")]
    [InlineData("beams on the host")]
    public void A_step_allocates_nothing(string way)
    {
        DecodingOptions options = new() { Language = "en" };
        options = way switch
        {
            "greedy" => options,
            "samples" => options with { Temperature = 0.5, BestOf = 3 },
            _ => options with { BeamSize = 5 },
        };
        WhisperModel model = demo.Model;
        using EncoderState encoder = model.Network.Encoder.CreateState();
        using DecoderState decoder = model.Network.Decoder.CreateState(lanes: 5, outputs: 5);
        using TokenChoice choice = model.Network.Kernels.AllocateChoice(decoder.Lanes, model.Dimensions.TextContext, model.Dimensions.Vocabulary);
        using Tensor mel = model.Network.Frontend.Compute(AudioFile.Load(TestData.Path("audio", "long-en.wav")).Samples, WhisperAudio.WindowSamples);
        model.Network.Kernels.CopyWindow(mel, 0, WhisperAudio.WindowFrames, encoder.LogMel, 0);
        model.Network.Encoder.Forward(encoder);
        model.Network.Decoder.Listen(decoder, encoder.Output, 0);

        using ChoiceLoop choices = new(model, decoder, choice);
        ILaneLoop loop = way switch { "beams" => new BeamLoop(model, decoder, choice), "beams on the host" => new HostLoop(model, decoder), _ => choices };
        loop.Begin([new LaneWindow(new WindowRequest(options, 0), 0)]);
        List<long> allocated = new(model.Dimensions.TextContext);
        while (loop.Count > 0)
        {
            long before = GC.GetAllocatedBytesForCurrentThread();
            loop.Step();
            allocated.Add(GC.GetAllocatedBytesForCurrentThread() - before);
        }

        // What a loop keeps for its next steps is made in the first; texts are found in the last.
        Assert.True(allocated.Count > 20, $"{allocated.Count} steps are too few");
        Assert.Equal(0, allocated.Order().ElementAt(allocated.Count / 2));
    }
}
