using static Handwritten.Kernels.OperandChecks;

namespace Handwritten.Kernels.Gpu;

/// <content>Choosing tokens in device memory.</content>
internal sealed partial class GpuKernels<TElement>
{
    private readonly TokenChooser _chooser = new(device);
    private readonly TokenRanking _ranking = new(device);

    /// <inheritdoc/>
    public TokenChoice AllocateChoice(int lanes, int length, int vocabulary) => new GpuTokenChoice(device, lanes, length, vocabulary);

    /// <inheritdoc/>
    public void StartChoice(TokenChoice choice, ChoiceRules rules, int firstLane, int lanes = 1)
    {
        choice.Check(rules, firstLane, lanes);
        On(choice).Start(rules, firstLane, lanes);
    }

    /// <inheritdoc/>
    public void Choose(DecoderRows rows, Tensor logits, TokenChoice choice)
    {
        GpuTokenChoice own = On(choice);
        _chooser.Run(Checked(rows, own), LogitsOf(rows, logits, own), own);
    }

    /// <inheritdoc/>
    public void FollowChoice(DecoderRows rows, TokenChoice choice)
    {
        GpuTokenChoice own = On(choice);
        _chooser.Follow(Checked(rows, own), own);
    }

    /// <inheritdoc/>
    public void ReadChoice(TokenChoice choice) => On(choice).Read();

    /// <inheritdoc/>
    public void WriteChoice(TokenChoice choice, int lane, ReadOnlySpan<int> tokens)
    {
        choice.CheckHistory(lane, tokens);
        On(choice).Write(lane, tokens);
    }

    /// <inheritdoc/>
    public void TopTokens(DecoderRows rows, Tensor logits, TokenChoice choice, int count, Span<int> tokens, Span<float> logProbabilities)
    {
        TokenChoice.CheckTop(count, rows.OutputCount, tokens.Length, logProbabilities.Length);
        GpuTokenChoice own = On(choice);
        _ranking.Run(Checked(rows, own), LogitsOf(rows, logits, own), own, count, tokens, logProbabilities);
    }

    /// <inheritdoc/>
    /// <exception cref="GpuException">
    /// The operations cannot be recorded: one of them waits, allocates, or is used for the first time.
    /// </exception>
    public IRecordedPass Record(Action pass) => new RecordedGraph(GpuGraph.Capture(device, pass));

    private static GpuTokenChoice On(TokenChoice choice) => choice as GpuTokenChoice
        ?? throw new ArgumentException("The choice was not allocated by the CUDA back end.", nameof(choice));

    private static GpuTensor LogitsOf(DecoderRows rows, Tensor logits, GpuTokenChoice choice)
    {
        RequireWidth(logits.Shape[^1], choice.Vocabulary, "A choice");
        return On(logits, (long)rows.OutputCount * choice.Vocabulary);
    }

    /// <summary>The rows, in device memory too, if their lanes are among the choice's.</summary>
    private static GpuDecoderRows Checked(DecoderRows rows, GpuTokenChoice choice)
    {
        choice.CheckLanes(rows);
        GpuDecoderRows own = On(rows);
        own.Upload();
        return own;
    }

    private sealed class RecordedGraph(GpuGraph graph) : IRecordedPass
    {
        public int RunsAhead => 4;

        public void Run() => graph.Launch();

        public void Dispose() => graph.Dispose();
    }
}
