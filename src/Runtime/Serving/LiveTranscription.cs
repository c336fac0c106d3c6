using System.Threading.Channels;
using Handwritten.Model;
using Handwritten.Model.VoiceActivity;
using Handwritten.Runtime.Transcription;

namespace Handwritten.Runtime.Serving;

/// <summary>
/// Follows speech while it is spoken. Sound is kept from where a sentence begins, 30 seconds at most, and transcribed again
/// and again as it grows; what two hypotheses agree on is committed. A pause ends the sentence: a last hypothesis, with all
/// temperatures, makes it final.
/// <code>
///     sound      ....[ the cat sat on the mat ]......[ and then
///     events         │      │     │     │          │
///                    start  │     │     │          final "the cat sat on the mat", endpoint
///                           partial "" "the cad"
///                                 partial "the" "cat sat"
///                                       partial "the cat sat" "on the"
/// </code>
/// A sentence that fills the 30 seconds is cut behind its last committed word. Memory does not grow with the stream.
/// </summary>
public sealed class LiveTranscription : IAsyncDisposable
{
    private const int Rate = WhisperAudio.SampleRate, Window = SileroVad.Window;
    private const int FullRoom = 2 * Rate; // a sentence that leaves no more room than this is cut
    private const int ShortestSpeech = 3; // windows; a click is no sentence
    private const int PromptCharacters = 200;
    private const int EventsWaiting = 64;

    private readonly TranscriptionEngine _engine;
    private readonly LiveOptions _options;
    private readonly SpeechEnds _speech;
    private readonly int _padding; // samples that are kept before speech is noticed
    private readonly RollingAudio _audio = new(WhisperAudio.WindowSamples);
    private readonly Agreement _agreement = new();
    private readonly SamplePipe _input = new(Window);
    private readonly Channel<LiveEvent> _events = Channel.CreateBounded<LiveEvent>(EventsWaiting);
    private readonly CancellationTokenSource _cancellation = new();
    private readonly Task _work;
    private long _heardUpTo;
    private string? _language;
    private bool _languageIsSettled;
    private string _textBefore = "";
    private volatile bool _hasEnded;

    /// <summary>Begins.</summary>
    /// <param name="engine">Transcribes, before anything else that it has to do.</param>
    /// <param name="vad">Tells where speech begins and ends; shared by all streams.</param>
    /// <param name="options">How.</param>
    /// <exception cref="Decoding.OptionsException">An option makes no sense.</exception>
    public LiveTranscription(TranscriptionEngine engine, SileroVad vad, LiveOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(engine);
        ArgumentNullException.ThrowIfNull(vad);
        (_engine, _options) = (engine, options ?? new LiveOptions());
        _options.Verify(engine.Model.Dimensions.Vocabulary);
        _speech = new SpeechEnds(vad, _options.SpeechThreshold, (long)(_options.EndpointSilence * Rate));
        _padding = (int)(_options.Padding * Rate);
        _language = _options.Transcription.Decoding.Language;
        _languageIsSettled = _language is not null;
        _work = Task.Run(Work);
    }

    /// <summary>Whether it takes no more samples, though nobody said that none follow: it has failed, which the events tell, or was disposed of.</summary>
    public bool HasEnded => _hasEnded;

    /// <summary>Takes samples, in chunks of any size. Waits while 30 seconds are waiting to be heard.</summary>
    /// <param name="samples">Mono at 16 kHz in [−1, 1]; copied.</param>
    /// <param name="cancellation">Ends the waiting; some of the samples may have been taken.</param>
    /// <exception cref="Audio.AudioException">A sample is no number, or far beyond [−1, 1]; none of the chunk is taken.</exception>
    /// <exception cref="InvalidOperationException">The stream is complete, or has failed.</exception>
    public ValueTask WriteAsync(ReadOnlyMemory<float> samples, CancellationToken cancellation = default) => _input.WriteAsync(samples, cancellation);

    /// <summary>No samples follow: what was said becomes final, and the events end.</summary>
    public void Complete() => _input.Complete();

    /// <summary>
    /// What is heard, once; for one reader, whose slowness slows the stream down. Fails as a request to the engine fails.
    /// </summary>
    /// <param name="cancellation">Ends the reading.</param>
    public IAsyncEnumerable<LiveEvent> Events(CancellationToken cancellation = default) => _events.Reader.ReadAllAsync(cancellation);

    /// <summary>Ends at once.</summary>
    public async ValueTask DisposeAsync()
    {
        await _cancellation.CancelAsync().ConfigureAwait(false);
        await _work.ConfigureAwait(false);
    }

    private async Task Work()
    {
        Exception? failure = null;
        try
        {
            await Listen().ConfigureAwait(false);
        }
        catch (Exception exception)
        {
            failure = exception;
        }

        _hasEnded = failure is not null;
        await _input.DisposeAsync().ConfigureAwait(false);
        _events.Writer.TryComplete(failure);
    }

    /// <summary>Hears the input, window by window.</summary>
    private async Task Listen()
    {
        float[] window = new float[Window];
        bool isLast;
        do
        {
            (isLast, bool moreWaits) = await _input.ReadAsync(window, _cancellation.Token).ConfigureAwait(false);
            await Hear(window, moreWaits || isLast).ConfigureAwait(false);
        }
        while (!isLast);
        await EndSentence().ConfigureAwait(false);
    }

    /// <summary>Hears a window.</summary>
    /// <param name="window">Its samples.</param>
    /// <param name="isBehind">Whether a hypothesis would be out of date at once: more sound waits, or it all becomes final.</param>
    private async Task Hear(float[] window, bool isBehind)
    {
        _audio.Append(window);
        switch (_speech.Hear(window))
        {
            case SpeechChange.Begins:
                _audio.DropBefore(_audio.End - Window - _padding);
                _heardUpTo = _audio.Start;
                await Tell(new LiveSpeechStart(Seconds(_audio.Start))).ConfigureAwait(false);
                break;
            case SpeechChange.Ended:
                await FinishSentence().ConfigureAwait(false);
                break;
            case SpeechChange.None when !_speech.IsSpeaking:
                _audio.DropBefore(_audio.End - _padding);
                break;
            case SpeechChange.None when _audio.Room < FullRoom:
                await CutSentence().ConfigureAwait(false);
                break;
            case SpeechChange.None when _audio.End - _heardUpTo >= _options.Interval * Rate && (_options.EveryInterval || !isBehind):
                await Guess().ConfigureAwait(false);
                break;
            default:
                break;
        }
    }

    /// <summary>A hypothesis about the sentence so far.</summary>
    private async Task Guess()
    {
        _heardUpTo = _audio.End;
        if (await Transcribe(isFinal: false).ConfigureAwait(false) is Word[] words)
        {
            _agreement.Hear(words, Seconds(_audio.End) - _options.HoldBack);
            await Tell(new LivePartial(Text(_agreement.Committed), Text(_agreement.Tentative), Seconds(_audio.Start), Seconds(_audio.End))).ConfigureAwait(false);
        }
    }

    private async Task EndSentence()
    {
        if (_speech.IsSpeaking)
        {
            _speech.Stop();
            await FinishSentence().ConfigureAwait(false);
        }
    }

    /// <summary>What was said is final; silence follows.</summary>
    private async Task FinishSentence()
    {
        await Finish(_speech.SpokenWindows >= ShortestSpeech ? await Transcribe(isFinal: true).ConfigureAwait(false) : []).ConfigureAwait(false);
        await Tell(new LiveEndpoint(Seconds(_speech.LastEnd))).ConfigureAwait(false);
        _audio.DropBefore(_audio.End - _padding);
    }

    /// <summary>Makes room where somebody goes on speaking: behind the last committed word, or if there is none, here.</summary>
    private async Task CutSentence()
    {
        await Guess().ConfigureAwait(false);
        if (_agreement.Committed.Count > 0 && Sample(_agreement.Committed[^1].End) - _audio.Start > _audio.Length / 2)
        {
            IReadOnlyList<Word> words = _agreement.TakeCommitted();
            await TellFinal(words).ConfigureAwait(false);
            _audio.DropBefore(Sample(words[^1].End));
        }
        else
        {
            await Finish(await Transcribe(isFinal: true).ConfigureAwait(false)).ConfigureAwait(false);
            _audio.DropBefore(_audio.End);
        }
    }

    private async Task Finish(Word[]? words)
    {
        IReadOnlyList<Word> all = _agreement.Finish(words ?? []);
        if (all.Count > 0)
        {
            await TellFinal(all).ConfigureAwait(false);
        }
    }

    private async Task TellFinal(IReadOnlyList<Word> words)
    {
        string text = Text(words);
        _languageIsSettled = true;
        _textBefore = text.Length > PromptCharacters ? text[^PromptCharacters..] : text;
        await Tell(new LiveFinal(text, words[0].Start, words[^1].End, words)).ConfigureAwait(false);
    }

    /// <summary>Transcribes what is kept.</summary>
    /// <param name="isFinal">Whether it has to be done: with all temperatures, and however long the engine's queue is.</param>
    /// <returns>The words, in the stream's time; null if the engine is too busy for a hypothesis.</returns>
    private async Task<Word[]?> Transcribe(bool isFinal)
    {
        TranscriptionOptions given = _options.Transcription;
        TranscriptionOptions options = given with
        {
            Decoding = given.Decoding with { Language = _languageIsSettled ? _language : null },
            Clips = [0],
            WordTimestamps = true,
            Temperatures = isFinal ? given.Temperatures : [given.Temperatures[0]],
            InitialPrompt = given.ConditionOnPreviousText && _textBefore.Length > 0 ? _textBefore : given.InitialPrompt,
        };
        double start = Seconds(_audio.Start);

        // Not copied: nothing is appended before the transcript is there.
        EngineRequest request = new(_audio.Samples, options) { Priority = RequestPriority.Live, Client = _options.Client };
        while (true)
        {
            try
            {
                using ServedTranscription served = _engine.Start(request, _cancellation.Token);
                Transcript transcript = await served.Transcript.ConfigureAwait(false);
                _options.Transcribed?.Invoke(served);
                await TellLanguage(transcript.Language).ConfigureAwait(false);
                return [.. transcript.Segments.SelectMany(segment => segment.Words ?? []).Select(word => word with { Start = start + word.Start, End = start + word.End })];
            }
            catch (EngineBusyException busy)
            {
                if (!isFinal)
                {
                    return null;
                }

                await Task.Delay(busy.RetryAfter, _cancellation.Token).ConfigureAwait(false);
            }
        }
    }

    private async Task TellLanguage(string language)
    {
        if (language != _language)
        {
            _language = language;
            await Tell(new LiveLanguage(language)).ConfigureAwait(false);
        }
    }

    private ValueTask Tell(LiveEvent what) => _events.Writer.WriteAsync(what, _cancellation.Token);

    private static string Text(IReadOnlyList<Word> words) => string.Concat(words.Select(word => word.Text));

    private static double Seconds(long sample) => (double)sample / Rate;

    private static long Sample(double seconds) => (long)(seconds * Rate);
}
