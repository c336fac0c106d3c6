using Handwritten.Kernels;
using Handwritten.Model;

namespace Handwritten.Runtime.Decoding;

/// <summary>
/// The search of one window, and where it is: its start sequence, its rules, its lanes and how long its sequences are. It
/// adds its rows to the passes that it shares with other windows.
/// </summary>
internal sealed class WindowSearch
{
    private readonly StartSequence _start;
    private readonly ILogitRule[] _rules;
    private readonly ISearch _search;
    private readonly int _window, _firstLane, _sampleLength, _context, _noSpeechToken;
    private int _length;
    private double _noSpeech;

    /// <summary>Prepares.</summary>
    /// <param name="model">The model.</param>
    /// <param name="request">The window and its options.</param>
    /// <param name="firstLane">The first of its lanes.</param>
    /// <exception cref="OptionsException">Prompt and prefix do not fit into the decoder.</exception>
    public WindowSearch(WhisperModel model, WindowRequest request, int firstLane)
    {
        _context = model.Dimensions.TextContext;
        _start = StartSequence.For(request.Options, model.Tokenizer.Special, _context);
        _rules = LogitRules.For(request.Options, model.Tokenizer);
        _search = Searches.For(request.Options, model.Tokenizer.Special.EndOfText, _context);
        _sampleLength = StartSequence.SampleLength(request.Options, _context);
        _noSpeechToken = model.Tokenizer.Special.NoSpeech;
        (_window, _firstLane) = (request.Window, firstLane);
    }

    /// <summary>Rows of the start sequence.</summary>
    public int StartLength => _start.Tokens.Length;

    /// <summary>How many of them want logits.</summary>
    public int StartOutputs => _start.StartIndex == _start.Tokens.Length - 1 ? 1 : 2;

    /// <summary>Rows of the next step.</summary>
    public int OpenLanes => _search.OpenLanes.Length;

    /// <summary>Whether the search has what it looked for, or no room to go on.</summary>
    public bool Completed { get; private set; }

    /// <summary>The texts found.</summary>
    public FoundTexts Found => new(_search.Candidates(), _noSpeech);

    /// <summary>Adds the start sequence to a pass.</summary>
    public void AddStart(DecoderRows rows) => _start.Feed(rows, _firstLane, _window);

    /// <summary>Chooses the first tokens.</summary>
    /// <param name="logits">[<see cref="StartOutputs"/>, vocabulary], the start sequence's; the last row is overwritten.</param>
    /// <param name="vocabulary">Tokens there are.</param>
    public void Begin(Span<float> logits, int vocabulary)
    {
        // What the start-of-transcript position says, before any rule and over the whole vocabulary.
        ReadOnlySpan<float> atStart = logits[..vocabulary];
        _noSpeech = Math.Exp(atStart[_noSpeechToken] - LogProbabilities.LogSumExp(atStart));
        _length = _start.Tokens.Length;
        if (double.IsNaN(_noSpeech))
        {
            Completed = true;
            return;
        }

        Choose(logits[^vocabulary..]);
    }

    /// <summary>Adds a row for each open lane to a pass.</summary>
    public void AddStep(DecoderRows rows)
    {
        if (!_search.Parents.IsEmpty)
        {
            rows.Continue(_firstLane, _search.Parents, _length);
        }

        foreach (int lane in _search.OpenLanes)
        {
            rows.Add(_search.Tokens(lane)[^1], _firstLane + lane, _length, _window, wantsLogits: true);
        }

        _length++;
    }

    /// <summary>Chooses the next token of each open lane.</summary>
    /// <param name="logits">[<see cref="OpenLanes"/>, vocabulary]; overwritten.</param>
    public void Choose(Span<float> logits)
    {
        int vocabulary = logits.Length / _search.OpenLanes.Length;
        for (int row = 0; row < _search.OpenLanes.Length; row++)
        {
            foreach (ILogitRule rule in _rules)
            {
                rule.Apply(logits.Slice(row * vocabulary, vocabulary), _search.Tokens(_search.OpenLanes[row]));
            }
        }

        _search.Choose(logits, vocabulary);
        int chosen = _length + 1 - _start.Tokens.Length;
        Completed = _search.Completed || chosen >= _sampleLength || _length == _context;
    }
}
