using Handwritten.Kernels;
using Handwritten.Kernels.Cpu;
using Handwritten.Kernels.Gpu;
using Handwritten.Model.Parity;
using Handwritten.Model.Synthetic;
using Handwritten.Tests;
using Xunit;

namespace Handwritten.Model.Tests.Gpu;

/// <summary>The activations of the CUDA back end: the demo model's against openai/whisper's, single layers of published sizes against the CPU's.</summary>
[Collection(nameof(GpuTests))] // one GPU, one test at a time
public sealed class GpuParityTests : IDisposable
{
    private readonly int _findings;

    public GpuParityTests()
    {
        EmulatedDriver.Use();
        _findings = EmulatedDriver.Findings;
    }

    public void Dispose() => Assert.Equal(_findings, EmulatedDriver.Findings);

    [Theory]
    [InlineData("h200", ComputeType.Float32)]
    [InlineData("h200", ComputeType.Float16)]
    [InlineData("h200", ComputeType.BFloat16)]
    [InlineData("t4", ComputeType.Float16)]
    [InlineData("h200", ComputeType.Int8Float32)]
    [InlineData("h200", ComputeType.Int8Float16)]
    [InlineData("h200", ComputeType.Int8BFloat16)]
    [InlineData("t4", ComputeType.Int8Float16)]
    public void The_demo_model_computes_the_original_s_activations(string device, ComputeType type)
    {
        using IKernels kernels = Open(device, type);
        using WhisperModel model = WhisperModel.Load(TestData.Weights("whisper-nano"), kernels);
        IReadOnlyList<ParityRow> rows = ParityCheck.Run(model.Network, ActivationReference.OpenFolder(TestData.Path("reference", "nano")));
        Assert.Equal(40, rows.Count);
        Assert.All(rows, row => Assert.True(row.Ok, $"{row.Name}: {row.Error:E2} is over {row.Tolerance:E0}"));
    }

    [Theory]
    [InlineData("tiny", ComputeType.Float32, 1500)]
    [InlineData("tiny", ComputeType.Float16, 1500)]
    [InlineData("tiny", ComputeType.BFloat16, 1500)]
    [InlineData("tiny", ComputeType.Int8Float16, 1500)]
    [InlineData("large-v3", ComputeType.Float32, 300)] // without tensor cores it is a long way on the emulator
    [InlineData("large-v3", ComputeType.Float16, 1500)]
    public void Single_layers_of_published_sizes_compute_what_the_cpu_computes(string size, ComputeType type, int frames)
    {
        WhisperDimensions dimensions = WhisperDimensions.Known[size] with { AudioLayers = 1, TextLayers = 1, AudioContext = frames };
        Activations expected, actual;
        using (CpuKernels cpu = new())
        {
            expected = Activations.Of(dimensions, cpu);
        }

        double tolerance;
        using (IKernels gpu = Open("h200", type))
        {
            tolerance = gpu.Tolerance;
            actual = Activations.Of(dimensions, gpu);
        }

        Assert.Equal(expected.Values.Keys, actual.Values.Keys);
        Assert.All(expected.Values.Keys, name => Assert.InRange(RelativeError(expected.Values[name], actual.Values[name]), 0, tolerance));
    }

    private static IKernels Open(string device, ComputeType type) =>
        GpuKernels.Create(new GpuDevice(Math.Max(0, EmulatedDriver.Devices.ToList().IndexOf(device))), type);

    private static double RelativeError(float[] expected, float[] actual)
    {
        double difference = 0, size = 0;
        for (int i = 0; i < expected.Length; i++)
        {
            difference += Math.Pow((double)expected[i] - actual[i], 2);
            size += Math.Pow(expected[i], 2);
        }

        return Math.Sqrt(difference / size);
    }

    /// <summary>Every activation of a pass over noise and eight tokens.</summary>
    private sealed class Activations(IKernels kernels) : IActivationObserver
    {
        public SortedDictionary<string, float[]> Values { get; } = new(StringComparer.Ordinal);

        public static Activations Of(WhisperDimensions dimensions, IKernels kernels)
        {
            using SyntheticWeights weights = new(dimensions, DType.F16);
            using WhisperNetwork network = new(dimensions, tiedOutput: true, weights, kernels);
            using EncoderState encoder = network.Encoder.CreateState();
            using DecoderState decoder = network.Decoder.CreateState(outputs: 8);
            float[] noise = new float[2 * dimensions.AudioContext * dimensions.MelBins];
            DeterministicValues.Fill(noise, "noise");
            kernels.Write(noise, encoder.LogMel);

            Activations seen = new(kernels);
            network.Encoder.Forward(encoder, observer: seen);
            network.Decoder.Listen(decoder, encoder.Output, 0);
            for (int position = 0; position < 8; position++)
            {
                decoder.Rows.Add(token: 6007 * (position + 1), lane: 0, position, window: 0, wantsLogits: true);
            }

            network.Decoder.Forward(decoder, seen);
            return seen;
        }

        public void Observe(string name, Tensor activation, int rows, int width)
        {
            float[] values = new float[rows * width];
            kernels.Read(activation, values);
            Values[name] = values;
        }
    }
}

/// <summary>Tests that open GPUs run one after another.</summary>
[CollectionDefinition(nameof(GpuTests))]
public sealed class GpuTests;
