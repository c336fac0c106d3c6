using Handwritten.Kernels.Cpu;
using Xunit;

namespace Handwritten.Kernels.Tests;

/// <summary>Texts that are drawn from the same start share its keys and values, and then grow in lanes of their own.</summary>
public class SharedPastTests
{
    [Fact]
    public void Lanes_that_begin_together_share_the_prompt_and_grow_apart_without_the_host()
    {
        const int lanes = 3, length = 8, vocabulary = 50;
        using CpuKernels kernels = new(1);
        using DecoderRows rows = kernels.AllocateRows(8, lanes, length);
        using TokenChoice choice = kernels.AllocateChoice(lanes, length, vocabulary);
        using Tensor logits = kernels.AllocateSingle(lanes, vocabulary);
        ChoiceRules rules = new() { EndOfText = 49, NoSpeech = 48, MaxTokens = 6, Never = [49], Temperature = 1 };
        rows.Add(0, 2, 0, 0, wantsLogits: false);
        rows.Continue(0, [0, 2, 2], 1); // left behind by a search before
        rows.Clear();

        kernels.StartChoice(choice, rules, 0, lanes);
        rows.Add(0, 0, 0, 0, wantsLogits: false);
        rows.Add(0, 0, 1, 0, wantsLogits: true);
        kernels.Choose(rows, logits, choice);
        rows.Clear();
        rows.Continue(0, [0, 0, 0], 2);
        for (int lane = 0; lane < lanes; lane++)
        {
            rows.Add(0, lane, 2, 0, wantsLogits: true);
        }

        kernels.FollowChoice(rows, choice);
        for (int step = 2; step < 5; step++)
        {
            Assert.Equal([step, step, step], rows.Positions.ToArray());
            kernels.Choose(rows, logits, choice);
        }

        kernels.ReadChoice(choice);
        for (int lane = 0; lane < lanes; lane++)
        {
            Assert.Equal([0, 0, lane, lane, lane, lane, lane, lane], rows.Sources(lane).ToArray());
            Assert.Equal(4, choice.Tokens(lane).Length);
        }
    }
}
