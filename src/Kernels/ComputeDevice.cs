using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using Handwritten.Kernels.Cpu;
using Handwritten.Kernels.Gpu;

namespace Handwritten.Kernels;

/// <summary>
/// Where a model computes: the CPU, a GPU, or the CPU as an emulated GPU. It is a choice only; nothing is opened before
/// <see cref="CreateKernels"/>.
/// </summary>
public sealed record ComputeDevice
{
    private const string CudaName = "cuda";

    private readonly string _name;
    private readonly int _index;
    private readonly string? _model; // a part of the GPU's own name, instead of its number

    private ComputeDevice(string name, int index = 0, string? model = null) => (_name, _index, _model) = (name, index, model);

    /// <summary>The first GPU if there is one that can be used, else the CPU.</summary>
    public static ComputeDevice Auto { get; } = new("auto");

    /// <summary>The CPU: float32, with weights as they are stored or in int8.</summary>
    public static ComputeDevice Cpu { get; } = new("cpu");

    /// <summary>The CUDA kernels on the emulated driver of tools/CudaEmulator: to test and to learn, slowly.</summary>
    public static ComputeDevice Emulated { get; } = new("emulated");

    /// <summary>What <see cref="TryParse"/> understands, but for a GPU's number.</summary>
    public static IReadOnlyList<string> Names { get; } = [Auto._name, Cpu._name, CudaName, Emulated._name];

    /// <summary>An NVIDIA GPU.</summary>
    /// <param name="index">Which one, from 0.</param>
    public static ComputeDevice Cuda(int index = 0)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(index);
        return new ComputeDevice(CudaName, index);
    }

    /// <summary>
    /// Reads <c>auto</c>, <c>cpu</c>, <c>cuda</c>, <c>cuda:1</c> or <c>emulated</c>; a GPU also by a part of its own name:
    /// <c>cuda:H100</c>, <c>emulated:T4</c>.
    /// </summary>
    /// <param name="text">The text.</param>
    /// <param name="device">What it names.</param>
    /// <returns>Whether it names a device; none of that name need be there.</returns>
    public static bool TryParse([NotNullWhen(true)] string? text, [NotNullWhen(true)] out ComputeDevice? device)
    {
        device = Names.Contains(text) ? new ComputeDevice(text!) : null;
        if (text?.Split(':') is [CudaName, var number] && int.TryParse(number, NumberStyles.None, CultureInfo.InvariantCulture, out int index))
        {
            device = Cuda(index);
        }
        else if (text?.Split(':') is [CudaName or "emulated", [>= 'A' and <= 'Z' or >= 'a' and <= 'z', ..] model])
        {
            device = new ComputeDevice(text.Split(':')[0], model: model);
        }

        return device is not null;
    }

    /// <summary>Reads what <see cref="TryParse"/> reads.</summary>
    /// <exception cref="FormatException">The text names no device.</exception>
    public static ComputeDevice Parse(string text) => TryParse(text, out ComputeDevice? device)
        ? device
        : throw new FormatException($"A device is auto, cpu, cuda, cuda:N (the GPU's number, from 0) or emulated, but not '{text}'.");

    /// <summary>The device that <see cref="Auto"/> stands for on this machine; any other is itself.</summary>
    public ComputeDevice Resolve() => this != Auto ? this : HasGpu() ? Cuda() : Cpu;

    /// <summary>Opens the device.</summary>
    /// <param name="type">
    /// The types of activations and weights; null for float16 on a GPU, and on the CPU for float32 with weights as they are stored.
    /// The CPU has no other activations, and warns where others are asked for.
    /// </param>
    /// <param name="threads">Threads of the CPU; null for all.</param>
    /// <param name="warn">Receives sentences that the user should read.</param>
    /// <returns>The back end; whoever asked for it disposes it.</returns>
    /// <exception cref="GpuException">The GPU cannot be used.</exception>
    public IKernels CreateKernels(ComputeType? type = null, int? threads = null, Action<string>? warn = null)
    {
        ComputeDevice device = Resolve();
        if (device == Cpu)
        {
            bool hasInt8Weights = type?.HasInt8Weights() ?? false;
            if (type is not (null or ComputeType.Int8) && type.Value.Activations() != ComputeType.Float32)
            {
                warn?.Invoke($"{type.Value.Name()} is for GPUs: the CPU computes in float32, with weights {(hasInt8Weights ? "in int8" : "as they are stored")}.");
            }

            return new CpuKernels(threads, hasInt8Weights);
        }

        if (device._name == Emulated._name)
        {
            CudaLibrary.UseEmulator(CudaLibrary.FindEmulator());
        }
        else
        {
            CudaLibrary.UseDriver();
        }

        int index = device._model is null ? device._index : GpuDescription.Find(device._model).Index;
        return GpuKernels.Create(new GpuDevice(index, warn), type ?? ComputeType.Float16);
    }

    /// <summary>As <see cref="TryParse"/> reads it.</summary>
    public override string ToString() => _model is not null ? $"{_name}:{_model}"
        : _index == 0 ? _name
        : string.Create(CultureInfo.InvariantCulture, $"{_name}:{_index}");

    private static bool HasGpu()
    {
        try
        {
            CudaLibrary.UseDriver();
            return GpuDevice.List().Any(gpu => gpu.IsUsable);
        }
        catch (GpuException)
        {
            return false;
        }
    }
}
