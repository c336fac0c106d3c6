namespace Handwritten.Kernels.Tests.Gpu;

/// <summary>Rows, logits and choice of a back end.</summary>
internal sealed class Choosing(IKernels kernels, int lanes, int vocabulary = ChoiceCases.Vocabulary) : IDisposable
{
    public const int Length = 20;

    public IKernels Kernels => kernels;

    public TokenChoice Choice { get; } = kernels.AllocateChoice(lanes, Length, vocabulary);

    public DecoderRows Rows { get; } = kernels.AllocateRows(Math.Max(lanes, 4 * Length));

    public Tensor Logits { get; } = kernels.AllocateSingle(2 * lanes, vocabulary);

    /// <summary>Starts a lane, and adds its prompt to the rows.</summary>
    public void Start(ChoiceRules rules, int lane, int prompt)
    {
        kernels.StartChoice(Choice, rules, lane);
        for (int position = 0; position < prompt; position++)
        {
            Rows.Add(1, lane, position, 0, wantsLogits: position == 0 || position == prompt - 1);
        }
    }

    public void StartTogether(ChoiceRules rules, int lanes, int position = 0)
    {
        kernels.StartChoice(Choice, rules, 0, lanes);
        Rows.Clear();
        Rows.Add(1, 0, position, 0, wantsLogits: true);
    }

    public void Choose(float[] logits)
    {
        kernels.Write(logits, Logits);
        kernels.Choose(Rows, Logits, Choice);
        kernels.ReadChoice(Choice);
    }

    public void FollowAfterPrompt(int step)
    {
        if (step == 0)
        {
            FollowAll(lanes);
        }
    }

    public void FollowAll(int lanes)
    {
        Rows.Clear();
        for (int lane = 0; lane < lanes; lane++)
        {
            Rows.Add(1, lane, 1, 0, wantsLogits: true);
        }

        kernels.FollowChoice(Rows, Choice);
    }

    public void Dispose()
    {
        Choice.Dispose();
        Rows.Dispose();
        Logits.Dispose();
    }
}
