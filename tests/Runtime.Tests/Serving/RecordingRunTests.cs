using Handwritten.Model.Tokenization;
using Handwritten.Runtime.Decoding;
using Handwritten.Runtime.Serving;
using Handwritten.Runtime.Transcription;
using Xunit;

namespace Handwritten.Runtime.Tests.Serving;

/// <summary>What a run tells the engine.</summary>
public sealed class RecordingRunTests
{
    private static readonly WhisperTokenizer Tokenizer = Tokenizers.Named("multilingual");

    [Theory]
    [InlineData("Dear colleagues,")]
    [InlineData(" ")]
    public void A_prefix_comes_to_the_engine_s_thread_as_tokens(string text)
    {
        Prompt settled = Settle(text)!;
        Assert.Null(settled.Text);
        Assert.Equal(Prompt.FromString(text).Encode(Tokenizer), settled.Encode(Tokenizer));
    }

    [Theory]
    [InlineData("")]
    [InlineData(null)]
    public void No_prefix_stays_none(string? text) => Assert.True(Settle(text) is null or { IsEmpty: true });

    [Fact]
    public void A_client_s_work_is_counted_in_the_windows_that_its_clips_take()
    {
        Assert.Equal(3, Left(61, [0]));
        Assert.Equal(3, Left(61, []));
        Assert.Equal(50, Left(2, [.. Enumerable.Repeat<double[]>([0, 2], 50).SelectMany(clip => clip)]));
        Assert.Equal(40, Left(2, [.. Enumerable.Repeat<double[]>([1, 1.01], 40).SelectMany(clip => clip)]));
        Assert.Equal(5, Left(60, [0, 1000, 5, 40, 59]));

        static int Left(int seconds, double[] clips)
        {
            ServedTranscription served = new(new EngineRequest(new float[seconds * 16_000], new TranscriptionOptions { Clips = clips }), (_, _) => { }, CancellationToken.None);
            return new RecordingRun(null!, served, () => default, seconds, served.Request.Options, null!).Claim.Left;
        }
    }

    private static Prompt? Settle(string? text) =>
        RecordingRun.Settle(new TranscriptionOptions { Decoding = new() { Prefix = text } }, "en", Tokenizer).Decoding.Prefix;
}
