using Handwritten.Model;
using Handwritten.Model.Tokenization;
using Handwritten.Runtime.Transcription;
using Handwritten.Runtime.VoiceActivity;

namespace Handwritten.Runtime.Serving;

/// <summary>A request that is one chain of windows.</summary>
/// <param name="owner">The request.</param>
/// <param name="tokenizer">Puts the text together.</param>
/// <param name="times">Gives what was heard its place in the recording; null where that is as it was.</param>
internal sealed class ChainedRequest(ServedTranscription owner, WhisperTokenizer tokenizer, SpeechTimeMap? times) : IRunResults
{
    private readonly List<Segment> _segments = [];
    private string _language = "";

    /// <inheritdoc/>
    public void TakeLanguage(RecordingRun run, string language)
    {
        _language = language;
        owner.SetLanguage(language);
    }

    /// <inheritdoc/>
    public void Take(RecordingRun run, Segment segment, double position)
    {
        segment = times?.ToRecording(segment) ?? segment;
        _segments.Add(segment);
        owner.Add(segment, Math.Min(times?.ToRecording(position) ?? position, owner.Duration));
    }

    /// <inheritdoc/>
    public void End(RecordingRun run, Exception? failure)
    {
        if (failure is null)
        {
            owner.Complete(TranscriptionRun.ToTranscript(tokenizer, _segments, _language));
        }
        else
        {
            owner.Fail(failure);
        }
    }
}

/// <summary>
/// A request whose windows are independent: each is a run of its own, and their segments are handed on in the order of the
/// recording. Unless the language is given, the first window tells it to the others, which wait for it.
/// </summary>
internal sealed class IndependentRequest : IRunResults
{
    private readonly EngineLoop _engine;
    private readonly ServedTranscription _owner;
    private readonly TranscriptionOptions _options;
    private readonly IReadOnlyList<SpeechWindow> _windows;
    private readonly Dictionary<RecordingRun, int> _places = [];
    private readonly List<Segment>[] _found;
    private readonly bool[] _ended;
    private readonly List<Segment> _segments = [];
    private string? _language;
    private int _next;

    /// <summary>Prepares.</summary>
    /// <param name="engine">Runs them.</param>
    /// <param name="owner">The request.</param>
    /// <param name="windows">Its windows.</param>
    public IndependentRequest(EngineLoop engine, ServedTranscription owner, IReadOnlyList<SpeechWindow> windows)
    {
        (_engine, _owner, _windows) = (engine, owner, windows);
        _options = owner.Request.Options with { ConditionOnPreviousText = false };
        _found = [.. windows.Select(_ => new List<Segment>())];
        _ended = new bool[windows.Count];
        _language = _options.Decoding.Language;
    }

    /// <summary>Lets the windows wait for their turn: all of them, or the first if it is to tell the language.</summary>
    public void Begin()
    {
        lock (_places)
        {
            if (_windows.Count == 0)
            {
                _owner.Begin();
                Finish();
            }
            else
            {
                Enqueue(0, _language is null ? 1 : _windows.Count);
            }
        }
    }

    /// <inheritdoc/>
    public void TakeLanguage(RecordingRun run, string language)
    {
        lock (_places)
        {
            _owner.SetLanguage(language);
            if (_language is null)
            {
                _language = language;
                Enqueue(1, _windows.Count);
            }
        }
    }

    /// <inheritdoc/>
    public void Take(RecordingRun run, Segment segment, double position)
    {
        lock (_places)
        {
            int place = _places[run];
            _found[place].Add(_windows[place].Times.ToRecording(segment));
        }
    }

    /// <inheritdoc/>
    public void End(RecordingRun run, Exception? failure)
    {
        lock (_places)
        {
            if (failure is not null)
            {
                _owner.Fail(failure);
                _owner.Dispose(); // the other windows are of no more use
                return;
            }

            _ended[_places[run]] = true;
            for (; _next < _windows.Count && _ended[_next]; _next++)
            {
                foreach (Segment segment in _found[_next])
                {
                    Segment numbered = segment with { Id = _segments.Count };
                    _segments.Add(numbered);
                    _owner.Add(numbered, _windows[_next].Regions[^1].EndSeconds);
                }
            }

            if (_next == _windows.Count)
            {
                Finish();
            }
        }
    }

    private void Enqueue(int from, int to)
    {
        for (int place = from; place < to; place++)
        {
            SpeechWindow window = _windows[place];
            TranscriptionOptions options = _options with
            {
                // Windows draw different random numbers.
                Decoding = _options.Decoding with { Language = _language, Seed = _options.Decoding.Seed + (ulong)(window.Regions[0].Start / WhisperAudio.HopLength) },
            };
            RecordingRun run = new(_engine, _owner, () => window.Cut(_owner.Request.Samples.Span), window.Seconds, options, this);
            _places.Add(run, place);
            _engine.Enqueue(run);
        }
    }

    private void Finish() => _owner.Complete(TranscriptionRun.ToTranscript(_engine.Model.Tokenizer, _segments, _language ?? "en"));
}
