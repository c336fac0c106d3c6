using Handwritten.Kernels;
using Handwritten.Model;

namespace Handwritten.Runtime.Decoding;

/// <summary>
/// Decodes a window with beam search: the back end applies the rules and ranks each beam's next tokens where the logits are
/// (<see cref="IKernels.TopTokens"/>), and the host, which gets those few, decides which beams go on.
/// <code>
///     rows: a beam each ── forward ── rules, softmax, best beams + 1 of each ──> BeamSearch ──> rows, pasts, histories ─┐
///              ▲                                                                                                        │
///              └────────────────────────────────────────────────────────────────────────────────────────────────────────┘
/// </code>
/// Source: openai/whisper, decoding.py, DecodingTask._main_loop with BeamSearchDecoder.
/// </summary>
/// <param name="model">The model.</param>
/// <param name="state">Its decoder state: a lane and a row of logits for each beam.</param>
/// <param name="choice">The lanes' rules and histories.</param>
internal sealed class BeamLoop(WhisperModel model, DecoderState state, TokenChoice choice)
{
    private readonly int[] _tokens = new int[Math.Max(2, state.Outputs) * TokenChoice.MostTopTokens];
    private readonly float[] _logProbabilities = new float[Math.Max(2, state.Outputs) * TokenChoice.MostTopTokens];
    private readonly float[] _logits = new float[model.Dimensions.Vocabulary];

    private IKernels Kernels => model.Network.Kernels;

    /// <summary>Whether the back end can rank by these options: it knows no rules about repetitions, and only so many beams.</summary>
    public static bool Takes(DecodingOptions options) =>
        options is { BeamSize: < TokenChoice.MostTopTokens, RepetitionPenalty: 1, NoRepeatNgramSize: 0 };

    /// <summary>Decodes.</summary>
    /// <param name="options">How.</param>
    /// <param name="window">The audio window to listen to.</param>
    /// <param name="firstLane">The first of the lanes, one a beam.</param>
    /// <param name="cancellation">Checked between two tokens.</param>
    /// <returns>The texts found, and the probability that the window holds no speech.</returns>
    public (IReadOnlyList<Candidate> Candidates, double NoSpeech) Decode(DecodingOptions options, int window, int firstLane, CancellationToken cancellation)
    {
        int context = model.Dimensions.TextContext, beams = options.Lanes;
        int sampleLength = StartSequence.SampleLength(options, context);
        StartSequence start = StartSequence.For(options, model.Tokenizer.Special, context);
        BeamSearch search = new(beams, options.Patience, model.Tokenizer.Special.EndOfText, context);
        ChoiceRules rules = LogitRules.ForChoice(options, model.Tokenizer, context);
        for (int beam = 0; beam < beams; beam++)
        {
            Kernels.StartChoice(choice, rules, firstLane + beam);
        }

        DecoderRows rows = state.Rows;
        rows.Clear();
        start.Feed(rows, firstLane, window);
        model.Network.Decoder.Forward(state);
        state.ReadLogits(_logits); // the first row alone: where the transcript starts
        double noSpeech = Math.Exp(_logits[model.Tokenizer.Special.NoSpeech] - LogProbabilities.LogSumExp(_logits));

        for (int length = start.Tokens.Length; ; length++)
        {
            cancellation.ThrowIfCancellationRequested();
            int ranked = beams + 1, begin = search.HasBegun ? 0 : (rows.OutputCount - 1) * ranked, count = rows.OutputCount * ranked;
            Kernels.TopTokens(rows, state.Logits, choice, ranked, _tokens, _logProbabilities);
            search.Choose(_tokens.AsSpan(begin, count - begin), _logProbabilities.AsSpan(begin, count - begin));
            int chosen = length + 1 - start.Tokens.Length;
            if (search.Completed || chosen >= sampleLength || length == context)
            {
                return (search.Candidates(), noSpeech);
            }

            rows.Continue(firstLane, search.Parents, length);
            rows.Clear();
            foreach (int beam in search.OpenLanes)
            {
                Kernels.WriteChoice(choice, firstLane + beam, search.Tokens(beam));
                rows.Add(search.Tokens(beam)[^1], firstLane + beam, position: length, window, wantsLogits: true);
            }

            model.Network.Decoder.Forward(state);
        }
    }
}
