using Handwritten.Kernels;
using Handwritten.Model;

namespace Handwritten.Runtime.Decoding;

/// <summary>
/// The search of one window, and where it is: its start sequence, its lanes and how long its sequences are. It adds its rows
/// to the passes that it shares with other windows.
/// </summary>
internal class WindowSearch
{
    private readonly StartSequence _start;
    private readonly ISearch _search;
    private readonly int _sampleLength, _context, _noSpeechToken;
    private double _noSpeech;
    private int _length;

    /// <summary>Prepares.</summary>
    /// <param name="model">The model.</param>
    /// <param name="window">The window and its options.</param>
    /// <param name="search">Chooses.</param>
    /// <exception cref="OptionsException">Prompt and prefix do not fit into the decoder.</exception>
    public WindowSearch(WhisperModel model, LaneWindow window, ISearch search)
    {
        WindowRequest request = window.Request;
        _context = model.Dimensions.TextContext;
        _start = StartSequence.For(request.Options, model.Tokenizer, _context);
        _sampleLength = StartSequence.SampleLength(request.Options, _context);
        _noSpeechToken = model.Tokenizer.Special.NoSpeech;
        _length = _start.Tokens.Length;
        (_search, Window) = (search, window);
    }

    /// <summary>The window.</summary>
    public LaneWindow Window { get; }

    /// <summary>The first of its lanes.</summary>
    public int FirstLane => Window.FirstLane;

    /// <summary>Rows of the start sequence.</summary>
    public int StartLength => _start.Tokens.Length;

    /// <summary>How many of them want logits.</summary>
    public int StartOutputs => _start.Outputs;

    /// <summary>Whether the search has what it looked for, or no room to go on.</summary>
    public bool Completed { get; private set; }

    /// <summary>Whether the window takes part in no further step.</summary>
    public bool HasEnded => Completed || Window.Failure is not null;

    /// <summary>The texts found.</summary>
    public FoundTexts Found => new(_search.Candidates(), _noSpeech);

    /// <summary>Adds the start sequence to a pass.</summary>
    public void AddStart(DecoderRows rows) => _start.Feed(rows, FirstLane, Window.Request.Window);

    /// <summary>Takes what the start-of-transcript position says, before any rule and over the whole vocabulary.</summary>
    /// <param name="logits">[vocabulary].</param>
    public void HearStart(ReadOnlySpan<float> logits) =>
        _noSpeech = Math.Exp(logits[_noSpeechToken] - VocabularySoftmax.LogSumExp(logits));

    /// <summary>Adds a row for each open lane to a pass.</summary>
    public void AddStep(DecoderRows rows)
    {
        if (!_search.Parents.IsEmpty)
        {
            rows.Continue(FirstLane, _search.Parents, _length);
        }

        foreach (int lane in _search.OpenLanes)
        {
            rows.Add(_search.Tokens(lane)[^1], FirstLane + lane, _length, Window.Request.Window, wantsLogits: true);
        }

        _length++;
    }

    /// <summary>Notes that a token has been chosen for each lane.</summary>
    protected void Advance()
    {
        int chosen = _length + 1 - _start.Tokens.Length;
        Completed = _search.Completed || chosen >= _sampleLength || _length == _context || double.IsNaN(_noSpeech);
    }
}
