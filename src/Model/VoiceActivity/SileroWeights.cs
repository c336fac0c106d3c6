using System.Runtime.InteropServices;
using Handwritten.Kernels;
using Handwritten.Model.Safetensors;

namespace Handwritten.Model.VoiceActivity;

/// <summary>Reads the tensors of a Silero VAD checkpoint, checked against the one architecture there is.</summary>
internal static class SileroWeights
{
    /// <summary>A tensor's numbers, row-major.</summary>
    /// <exception cref="ModelException">It is missing, or has another type or shape.</exception>
    public static float[] Read(SafetensorsFile file, string name, params ReadOnlySpan<int> shape)
    {
        using HostTensor tensor = file.Open(name);
        return tensor.Type == DType.F32 && tensor.Shape.AsSpan().SequenceEqual(shape)
            ? MemoryMarshal.Cast<byte, float>(tensor.Bytes).ToArray()
            : throw new ModelException($"{file.Origin}: tensor {name} is {file.Describe(name)}, but Silero VAD v6 for 16 kHz has F32 [{string.Join(", ", shape.ToArray())}]: take the silero-vad folder that comes with this program.");
    }
}
