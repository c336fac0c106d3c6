using Handwritten.Kernels.Cpu;
using Handwritten.Model.Synthetic;
using Xunit;

namespace Handwritten.Model.Tests;

/// <summary>The decoder's rows: prompts, steps and batches of either give one another's logits.</summary>
public sealed class TextDecoderTests : IDisposable
{
    private static readonly WhisperDimensions Small = new(
        MelBins: 80, AudioContext: 1500, Width: 128, AudioHeads: 2, AudioLayers: 1, AudioFeedForward: 512, Vocabulary: 1000, TextContext: 64, TextHeads: 2, TextLayers: 2, TextFeedForward: 512);

    private readonly CpuKernels _kernels = new();
    private readonly SyntheticWeights _weights = new(Small);
    private readonly WhisperNetwork _network;
    private readonly EncoderState _encoder;

    public TextDecoderTests()
    {
        _network = new WhisperNetwork(Small, tiedOutput: true, _weights, _kernels);
        _encoder = _network.Encoder.CreateState(batch: 2);
        float[] mel = new float[2 * WhisperAudio.WindowFrames * Small.MelBins];
        DeterministicValues.Fill(mel, "two windows");
        _kernels.Write(mel, _encoder.LogMel);
        _network.Encoder.Forward(_encoder, batch: 2);
    }

    [Fact]
    public void A_prompt_gives_the_logits_of_its_tokens_one_by_one()
    {
        int[] tokens = [5, 17, 900, 3, 3, 41];
        using DecoderState whole = Listening(windows: 1, lanes: 1, outputs: tokens.Length);
        for (int position = 0; position < tokens.Length; position++)
        {
            whole.Rows.Add(tokens[position], 0, position, 0, wantsLogits: true);
        }

        _network.Decoder.Forward(whole);
        float[] expected = Logits(whole, tokens.Length);

        using DecoderState single = Listening(windows: 1, lanes: 1, outputs: 1);
        for (int position = 0; position < tokens.Length; position++)
        {
            float[] logits = Step(single, (tokens[position], 0, position, 0));
            AssertClose(expected.AsSpan(position * Small.Vocabulary, Small.Vocabulary), logits);
        }
    }

    [Fact]
    public void Sequences_give_the_same_logits_alone_and_in_company()
    {
        // Two sequences of different lengths that listen to different windows, in one state and in two.
        using DecoderState both = Listening(windows: 2, lanes: 3, outputs: 2);
        using DecoderState first = Listening(windows: 2, lanes: 1, outputs: 1);
        using DecoderState second = Listening(windows: 2, lanes: 1, outputs: 1);
        Step(first, (7, 0, 0, 0));
        Step(both, (7, 2, 0, 0));
        for (int step = 0; step < 5; step++)
        {
            float[] together = Step(both, (10 + step, 2, 1 + step, 0), (20 + step, 1, step, 1));
            float[] alone = [.. Step(first, (10 + step, 0, 1 + step, 0)), .. Step(second, (20 + step, 0, step, 1))];
            Assert.Equal(alone, together);
        }
    }

    [Fact]
    public void A_window_is_encoded_alike_alone_and_in_a_batch()
    {
        float[] batch = new float[2 * Small.AudioContext * Small.Width];
        _kernels.Read(_encoder.Output, batch);
        using EncoderState single = _network.Encoder.CreateState();
        float[] mel = new float[WhisperAudio.WindowFrames * Small.MelBins];
        DeterministicValues.Fill(mel, "two windows", first: mel.Length);
        _kernels.Write(mel, single.LogMel);
        _network.Encoder.Forward(single);
        float[] alone = new float[Small.AudioContext * Small.Width];
        _kernels.Read(single.Output, alone);
        Assert.Equal(alone, batch[alone.Length..]);
    }

    [Fact]
    public void Starting_a_lane_again_forgets_what_it_held()
    {
        using DecoderState state = Listening(windows: 1, lanes: 1, outputs: 1);
        float[] fresh = Step(state, (5, 0, 0, 0));
        Step(state, (6, 0, 1, 0));
        Assert.Equal(fresh, Step(state, (5, 0, 0, 0)));
    }

    [Fact]
    public void A_step_allocates_nothing()
    {
        using DecoderState state = Listening(windows: 1, lanes: 1, outputs: 1);
        float[] logits = new float[Small.Vocabulary];
        for (int position = 0; position < 40; position++)
        {
            Forward(state, position, logits);
        }

        // This thread's allocations: other tests run beside this one.
        long before = GC.GetAllocatedBytesForCurrentThread();
        Forward(state, 40, logits);
        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
    }

    public void Dispose()
    {
        _encoder.Dispose();
        _network.Dispose();
        _weights.Dispose();
        _kernels.Dispose();
    }

    private void Forward(DecoderState state, int position, float[] logits)
    {
        state.Rows.Clear();
        state.Rows.Add(1, 0, position, 0, wantsLogits: true);
        _network.Decoder.Forward(state);
        state.ReadLogits(logits);
    }

    private DecoderState Listening(int windows, int lanes, int outputs)
    {
        DecoderState state = _network.Decoder.CreateState(windows, lanes, outputs);
        _network.Decoder.Listen(state, _encoder.Output, windows == 1 ? [0] : [0, 1]);
        return state;
    }

    private float[] Step(DecoderState state, params (int Token, int Lane, int Position, int Window)[] rows)
    {
        state.Rows.Clear();
        foreach ((int token, int lane, int position, int window) in rows)
        {
            state.Rows.Add(token, lane, position, window, wantsLogits: true);
        }

        _network.Decoder.Forward(state);
        return Logits(state, rows.Length);
    }

    private static float[] Logits(DecoderState state, int rows)
    {
        float[] logits = new float[rows * Small.Vocabulary];
        state.ReadLogits(logits);
        return logits;
    }

    private static void AssertClose(ReadOnlySpan<float> expected, ReadOnlySpan<float> actual)
    {
        for (int i = 0; i < expected.Length; i++)
        {
            Assert.Equal(expected[i], actual[i], 2e-4f);
        }
    }
}
