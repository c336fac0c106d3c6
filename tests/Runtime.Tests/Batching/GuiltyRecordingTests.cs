using System.Collections;
using Handwritten.Runtime.Batching;
using Handwritten.Runtime.Decoding;
using Handwritten.Runtime.Serving;
using Handwritten.Runtime.Transcription;
using Xunit;

namespace Handwritten.Runtime.Tests.Batching;

/// <summary>Options that fail a recording fail it alone, whoever shares its batches and steps.</summary>
public sealed class GuiltyRecordingTests : IClassFixture<DemoModel>
{
    private static readonly TranscriptionOptions Greedy = new() { Decoding = new() { Language = "en" }, Temperatures = [0] };

    private static readonly string[] Clips = ["01-en.wav", "03-en.wav", "04-en.wav", "10-en.wav"];

    private readonly DemoModel _demo;

    /// <summary>What is said in the clips, found before anybody else uses the model.</summary>
    private readonly string[] _texts;

    public GuiltyRecordingTests(DemoModel demo)
    {
        using Transcriber transcriber = new(demo.Model);
        (_demo, _texts) = (demo, [.. Clips.Select(clip => transcriber.Transcribe(Recordings.Samples(clip), Greedy).Text)]);
    }

    /// <summary>Options of which each fails in another place if nobody looks at it before.</summary>
    public static TheoryData<string, string> SpoiltOptions() => new()
    {
        { "a prefix that there is not", "prefix names the token 999999, but this model has the tokens 0 to 51864." },
        { "no marks to append", "append_punctuations must not be null: leave it out, or give an empty value for nothing." },
        { "no tokens to suppress", "suppress_tokens must not be null: leave it out, or give an empty value for nothing." },
        { "no options about windows", "windows must not be null: leave it out, or give an empty value for nothing." },
        { "a threshold that is no number", "logprob_threshold must be a number, but it is NaN." },
        { "a penalty out of all proportion", "repetition_penalty must be from 0.001 to 1000, but it is 1E+300." },
        { "a room that no window has", "Prompt and prefix make " },
    };

    private static TranscriptionOptions Spoilt(string what) => what switch
    {
        "a prefix that there is not" => Greedy with { Decoding = Greedy.Decoding with { Prefix = Prompt.FromTokens([999_999]) } },
        "no marks to append" => Greedy with { WordTimestamps = true, AppendPunctuations = null! },
        "no tokens to suppress" => Greedy with { Decoding = Greedy.Decoding with { SuppressTokens = null! } },
        "no options about windows" => Greedy with { Windows = null! },
        "a threshold that is no number" => Greedy with { LogProbabilityThreshold = double.NaN },
        "a penalty out of all proportion" => Greedy with { Decoding = Greedy.Decoding with { RepetitionPenalty = 1e300 } },
        _ => Greedy with { Decoding = Greedy.Decoding with { Prefix = Prompt.FromTokens(Enumerable.Repeat(64, 500)) } },
    };

    [Theory]
    [MemberData(nameof(SpoiltOptions))]
    public async Task A_caller_is_told_in_a_sentence_and_the_others_get_their_text(string what, string sentence)
    {
        await using WhisperTranscriber transcriber = new(_demo.Model);
        TranscriptionOptions spoilt = Spoilt(what);
        string[] expected = [.. (await Task.WhenAll(Start())).Select(transcript => transcript.Text)];
        spoilt = spoilt.Windows is null ? spoilt : spoilt.InBatchesOf(8);
        Task<Transcript> guilty = transcriber.TranscribeAsync(Recordings.Samples(Clips[0]), spoilt).ToTranscriptAsync();
        Task<Transcript>[] innocent = Start();

        Assert.StartsWith(sentence, (await Assert.ThrowsAsync<OptionsException>(() => guilty)).Message, StringComparison.Ordinal);
        Assert.Equal(expected, (await Task.WhenAll(innocent)).Select(transcript => transcript.Text));
        Assert.All(expected, Assert.NotEmpty);

        Task<Transcript>[] Start() => [.. Clips.Select(clip => transcriber.TranscribeAsync(Recordings.Samples(clip), Greedy.InBatchesOf(8)).ToTranscriptAsync())];
    }

    [Theory]
    [MemberData(nameof(SpoiltOptions))]
    public async Task A_request_is_told_in_a_sentence(string what, string sentence)
    {
        await using TranscriptionEngine engine = new(_demo.Model);
        OptionsException refused = await Assert.ThrowsAsync<OptionsException>(() => engine.Start(new EngineRequest(Recordings.Samples(Clips[0]), Spoilt(what))).Transcript);
        Assert.StartsWith(sentence, refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void The_latest_beginning_may_be_later_than_any_window()
    {
        foreach (int? size in new int?[] { null, 2 })
        {
            TranscriptionOptions late = Greedy with { Decoding = Greedy.Decoding with { MaxInitialTimestamp = 1e300 }, Windows = new() { BatchSize = size } };
            using RecordingTranscriber transcriber = new(_demo.Model);
            Assert.Equal(_texts[0], transcriber.Transcribe(PreparedRecording.Of(Recordings.Samples(Clips[0]), late)).Text);
        }
    }

    [Theory]
    [InlineData(0)]
    [InlineData(3)]
    public void What_fails_in_a_batch_is_computed_again_one_by_one(int repetitions)
    {
        using BatchedTranscriber transcriber = new(_demo.Model);
        ChangingTokens tokens = new();
        TranscriptionOptions changing = Greedy with { Decoding = Greedy.Decoding with { SuppressTokens = tokens, NoRepeatNgramSize = repetitions } };
        BatchedRun[] runs = [.. Clips.Select((clip, i) => transcriber.Start(Recordings.Samples(clip), [Whole(clip)], (i == 1 ? changing : Greedy).InBatchesOf(4)))];
        tokens.Fail = () => true;

        for (int i = 0; i < runs.Length; i++)
        {
            if (i == 1)
            {
                Assert.Equal(ChangingTokens.Complaint, Assert.Throws<InvalidOperationException>(() => runs[1].Segments().ToArray()).Message);
                Assert.Equal(ChangingTokens.Complaint, Assert.Throws<InvalidOperationException>(() => runs[1].Segments().ToArray()).Message);
            }
            else
            {
                Assert.Equal(_texts[i], string.Concat(runs[i].Segments().Select(segment => segment.Text)));
            }
        }
    }

    [Theory]
    [InlineData(0)]
    [InlineData(3)]
    public async Task What_fails_in_the_engine_concerns_nobody_else(int repetitions)
    {
        await using TranscriptionEngine engine = new(_demo.Model);
        ChangingTokens tokens = new() { Fail = () => Thread.CurrentThread.Name == "Transcription engine" };
        TranscriptionOptions same = Greedy with { Decoding = Greedy.Decoding with { NoRepeatNgramSize = repetitions } };
        TranscriptionOptions changing = same with { Decoding = same.Decoding with { SuppressTokens = tokens } };
        for (int round = 0; round < 3; round++)
        {
            ServedTranscription[] served = [.. Clips.SelectMany(clip => new[] { same, changing }.Select(options => engine.Start(new EngineRequest(Recordings.Samples(clip), options))))];
            for (int i = 0; i < Clips.Length; i++)
            {
                Assert.Equal(_texts[i], (await served[2 * i].Transcript).Text);
                Assert.Equal(ChangingTokens.Complaint, (await Assert.ThrowsAsync<InvalidOperationException>(() => served[(2 * i) + 1].Transcript)).Message);
            }
        }
    }

    private static Runtime.VoiceActivity.SpeechWindow Whole(string clip) => new([new(0, Recordings.Samples(clip).Length)]);

    /// <summary>A caller's list that somebody changes while it is read.</summary>
    private sealed class ChangingTokens : IReadOnlyList<int>
    {
        public const string Complaint = "Collection was modified.";

        public Func<bool> Fail { get; set; } = () => false;

        public int Count => 1;

        public int this[int index] => -1;

        public IEnumerator<int> GetEnumerator()
        {
            if (Fail())
            {
                throw new InvalidOperationException(Complaint);
            }

            yield return -1;
        }

        IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();
    }
}
