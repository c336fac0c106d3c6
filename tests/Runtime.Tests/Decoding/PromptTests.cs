using Handwritten.Model.Tokenization;
using Handwritten.Runtime.Decoding;
using Handwritten.Runtime.Tests.Batching;
using Handwritten.Runtime.Transcription;
using Xunit;

namespace Handwritten.Runtime.Tests.Decoding;

/// <summary>Prompts and prefixes are texts or tokens, and either gives the same.</summary>
public sealed class PromptTests(DemoModel demo) : IClassFixture<DemoModel>
{
    private WhisperTokenizer Tokenizer => demo.Model.Tokenizer;

    [Fact]
    public void A_text_begins_with_a_space_and_has_none_at_its_ends()
    {
        Prompt text = "  Set a timer. \n";
        Assert.Equal(Tokenizer.Encode(" Set a timer."), text.Encode(Tokenizer));
        Assert.Equal("  Set a timer. \n", text.Text);
    }

    [Fact]
    public void Tokens_are_themselves_times_among_them()
    {
        int[] tokens = [Tokenizer.Special.TimestampBegin, .. Tokenizer.Encode(" Go"), Tokenizer.Special.TimestampBegin + 10];
        Prompt prompt = Prompt.FromTokens(tokens);
        Assert.Null(prompt.Text);
        Assert.Equal(tokens, prompt.Encode(Tokenizer));
    }

    [Fact]
    public void No_text_is_no_prompt()
    {
        string? nothing = null;
        Assert.Null((Prompt?)nothing);
        int[] start = Start(new() { Language = "en" });
        Assert.Equal(start, Start(new() { Language = "en", Prompt = "", Prefix = "" }));
        Assert.Equal(start, Start(new() { Language = "en", Prompt = Prompt.FromTokens([]), Prefix = Prompt.FromTokens([]) }));
    }

    [Fact]
    public void Special_tokens_in_a_text_are_refused() =>
        Assert.Contains("<|endoftext|>", Assert.Throws<TokenizationException>(() => Start(new() { Language = "en", Prefix = "a <|endoftext|>" })).Message, StringComparison.Ordinal);

    [Theory]
    [InlineData("10-en.wav", false)]
    [InlineData("10-en.wav", true)]
    [InlineData("long-en.wav", false)]
    public void A_recording_gets_the_same_with_a_text_and_with_its_tokens(string file, bool inBatches)
    {
        const string prompt = "Call Emma on 27 93 771.", prefix = "Send";
        TranscriptionOptions options = new() { Decoding = new() { Language = "en" }, CarryInitialPrompt = !inBatches, Windows = new() { BatchSize = inBatches ? 2 : null } };
        Segment[] plain = Transcribe(file, options);
        Segment[] byText = Transcribe(file, options with { InitialPrompt = prompt, Decoding = options.Decoding with { Prefix = prefix } });
        Segment[] byTokens = Transcribe(file, options with
        {
            InitialPrompt = Prompt.FromTokens(Tokenizer.Encode(" " + prompt)),
            Decoding = options.Decoding with { Prefix = Prompt.FromTokens(Tokenizer.Encode(" " + prefix)) },
        });
        Recordings.AssertSame(byText, byTokens);
        Assert.NotEqual(plain.Select(segment => segment.AverageLogProbability), byText.Select(segment => segment.AverageLogProbability));
    }

    private int[] Start(DecodingOptions options) => StartSequence.For(options, Tokenizer, demo.Model.Dimensions.TextContext).Tokens;

    private Segment[] Transcribe(string file, TranscriptionOptions options)
    {
        using RecordingTranscriber transcriber = new(demo.Model);
        return [.. transcriber.Transcribe(PreparedRecording.Of(Recordings.Samples(file), options)).Segments];
    }
}
