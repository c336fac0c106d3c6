using Handwritten.Kernels;
using Handwritten.Model;
using Handwritten.Runtime.Decoding;
using Xunit;

namespace Handwritten.Runtime.Tests.Batching;

/// <summary>Windows with searches of different kinds, decoded together.</summary>
public class SideBySideTests(DemoModel demo) : IClassFixture<DemoModel>
{
    private static readonly DecodingOptions English = new() { Language = "en" };

    [Fact]
    public void Every_window_gets_the_text_that_it_gets_alone_whatever_the_others_search_for()
    {
        (string File, DecodingOptions Options)[] windows =
        [
            ("10-en.wav", English with { BeamSize = 5 }),
            ("01-en.wav", English),
            ("11-en.wav", English with { BeamSize = 2, Patience = 2, Prompt = Prompt.FromTokens(Enumerable.Range(300, 180)) }),
            ("10-en.wav", English with { NoRepeatNgramSize = 2 }),
            ("03-en.wav", English with { Temperature = 0.9, BestOf = 3, Seed = 3 }),
            ("02-en.wav", English with { BeamSize = 5, WithoutTimestamps = true, Prompt = Prompt.FromTokens(Enumerable.Range(300, 200)) }),
            ("04-en.wav", English with { BeamSize = 3, RepetitionPenalty = 1.2, Prompt = Prompt.FromTokens(Enumerable.Range(300, 200)) }),
            ("05-en.wav", English with { BeamSize = 5, SampleLength = 3 }),
            ("silence-noise.wav", English with { BeamSize = 5 }),
        ];
        WhisperModel model = demo.Model;
        using EncoderState encoder = model.Network.Encoder.CreateState(windows.Length);
        using DecoderState decoder = model.Network.Decoder.CreateState(windows.Length, lanes: 40, outputs: 40);
        using DecodingTask task = new(model, decoder);
        for (int i = 0; i < windows.Length; i++)
        {
            using Tensor mel = model.Network.Frontend.Compute(Recordings.Samples(windows[i].File), WhisperAudio.WindowSamples);
            model.Network.Kernels.CopyWindow(mel, 0, WhisperAudio.WindowFrames, encoder.LogMel, i);
        }

        model.Network.Encoder.Forward(encoder, windows.Length);
        model.Network.Decoder.Listen(decoder, encoder.Output, [.. Enumerable.Range(0, windows.Length)]);

        WindowRequest[] requests = [.. windows.Select((window, i) => new WindowRequest(window.Options, i))];
        DecodingResult[] together = task.Decode(requests), further = task.Decode(requests, lane: 5);
        for (int i = 0; i < windows.Length; i++)
        {
            DecodingResult alone = task.Decode(windows[i].Options, window: i);
            foreach (DecodingResult result in new[] { together[i], further[i] })
            {
                Assert.Equal(alone.Tokens, result.Tokens);
                Assert.Equal(alone.AverageLogProbability, result.AverageLogProbability, 1e-4);
                Assert.Equal(alone.NoSpeechProbability, result.NoSpeechProbability, 1e-4);
            }
        }

        Assert.All(together.Take(7), result => Assert.NotEmpty(result.Tokens));
        Assert.Equal(3, together[7].Tokens.Count);
    }

    [Fact]
    public void Refuses_more_windows_than_there_are_lanes_for()
    {
        using DecoderState decoder = demo.Model.Network.Decoder.CreateState(windows: 2, lanes: 5, outputs: 5);
        using DecodingTask task = new(demo.Model, decoder);
        WindowRequest beams = new(English with { BeamSize = 3 }, 0);
        Assert.Throws<ArgumentException>(() => task.Decode([beams, beams with { Window = 1 }]));
    }
}
