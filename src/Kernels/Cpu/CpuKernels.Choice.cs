using System.Runtime.InteropServices;
using static Handwritten.Kernels.OperandChecks;

namespace Handwritten.Kernels.Cpu;

/// <content>Choosing tokens: a row of logits is an item of work.</content>
public sealed unsafe partial class CpuKernels
{
    /// <inheritdoc/>
    public TokenChoice AllocateChoice(int lanes, int length, int vocabulary) => new CpuTokenChoice(lanes, length, vocabulary);

    /// <inheritdoc/>
    public void StartChoice(TokenChoice choice, ChoiceRules rules, int firstLane, int lanes = 1)
    {
        choice.Check(rules, firstLane, lanes);
        On(choice).Start(rules, firstLane, lanes);
    }

    /// <inheritdoc/>
    public void Choose(DecoderRows rows, Tensor logits, TokenChoice choice)
    {
        CpuTokenChoice own = On(choice);
        own.CheckLanes(rows);
        RequireWidth(logits.Shape[^1], own.Vocabulary, "A choice");
        using GCHandle<CpuTokenChoice> choiceHandle = new(own);
        using GCHandle<DecoderRows> rowsHandle = new(rows);
        _team.Run(
            new ChooseJob
            {
                Choice = choiceHandle,
                Rows = rowsHandle,
                Logits = Dense(logits, (long)rows.OutputCount * own.Vocabulary),
                Work = _scratch.Reserve(own.Vocabulary),
            },
            rows.OutputCount);
    }

    /// <inheritdoc/>
    public void FollowChoice(DecoderRows rows, TokenChoice choice)
    {
        choice.CheckLanes(rows);
        On(choice).Follow(rows);
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
        CpuTokenChoice own = On(choice);
        own.CheckLanes(rows);
        RequireWidth(logits.Shape[^1], own.Vocabulary, "A choice");
        TokenChoice.CheckTop(count, rows.OutputCount, tokens.Length, logProbabilities.Length);
        using GCHandle<CpuTokenChoice> choiceHandle = new(own);
        using GCHandle<DecoderRows> rowsHandle = new(rows);
        fixed (int* firstToken = tokens)
        fixed (float* firstLogProbability = logProbabilities)
        {
            _team.Run(
                new TopJob
                {
                    Choice = choiceHandle,
                    Rows = rowsHandle,
                    Logits = Dense(logits, (long)rows.OutputCount * own.Vocabulary),
                    Work = _scratch.Reserve(own.Vocabulary),
                    Count = count,
                    Tokens = firstToken,
                    LogProbabilities = firstLogProbability,
                },
                rows.OutputCount);
        }
    }

    /// <inheritdoc/>
    public IRecordedPass Record(Action pass) => new RepeatedAction(pass);

    private static CpuTokenChoice On(TokenChoice choice) => choice as CpuTokenChoice
        ?? throw new ArgumentException("The choice was not allocated by the CPU back end.", nameof(choice));

    private struct ChooseJob : ITeamJob
    {
        public GCHandle<CpuTokenChoice> Choice;
        public GCHandle<DecoderRows> Rows;
        public float* Logits;
        public ScratchBlocks Work;

        public readonly void Run(int item, int member)
        {
            CpuTokenChoice choice = Choice.Target;
            int vocabulary = choice.Vocabulary;
            choice.Choose(Rows.Target, item, new ReadOnlySpan<float>(Logits + ((long)item * vocabulary), vocabulary), new Span<float>(Work[member], vocabulary));
        }
    }

    private struct TopJob : ITeamJob
    {
        public GCHandle<CpuTokenChoice> Choice;
        public GCHandle<DecoderRows> Rows;
        public float* Logits;
        public ScratchBlocks Work;
        public int Count;
        public int* Tokens;
        public float* LogProbabilities;

        public readonly void Run(int item, int member)
        {
            CpuTokenChoice choice = Choice.Target;
            DecoderRows rows = Rows.Target;
            int vocabulary = choice.Vocabulary, first = item * Count;
            choice.Top(
                rows.Lanes[rows.Outputs[item]],
                new ReadOnlySpan<float>(Logits + ((long)item * vocabulary), vocabulary),
                new Span<float>(Work[member], vocabulary),
                new Span<int>(Tokens + first, Count),
                new Span<float>(LogProbabilities + first, Count));
        }
    }
}
