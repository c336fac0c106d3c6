using System.Collections.Concurrent;
using System.Reflection;
using Handwritten.Kernels.Gpu;
using Handwritten.Kernels.Gpu.Compilation;

namespace Handwritten.Kernels.Tests.Gpu.Compilation;

/// <summary>
/// Every kernel of the back end, compiled as it ships: the back end is made for a device that is not there, and each kernel
/// that any of its parts holds ready, as a <see cref="Lazy{T}"/> in a field, is loaded.
/// </summary>
internal static class KernelCatalogue
{
    private static readonly ConcurrentDictionary<(int ComputeCapability, ComputeType Type), Lazy<IReadOnlyList<(KernelRequest Request, KernelText Text)>>> Known = new();

    /// <summary>All architectures with the compute types that they have.</summary>
    public static IEnumerable<(int ComputeCapability, ComputeType Type)> Combinations =>
        KernelTarget.Architectures.SelectMany(architecture => Enum.GetValues<ComputeType>()
            .Where(type => type != ComputeType.BFloat16 || architecture >= 80).Select(type => (architecture, type)));

    /// <summary>The kernels of a combination; compiled once.</summary>
    public static IReadOnlyList<(KernelRequest Request, KernelText Text)> Of(int computeCapability, ComputeType type) =>
        Known.GetOrAdd((computeCapability, type), key => new(() => Compile(key.ComputeCapability, key.Type))).Value;

    /// <summary>The machine code of a kernel on an architecture.</summary>
    /// <param name="computeCapability">75, 80, 86, 89 or 90.</param>
    /// <param name="type">The back end's compute type.</param>
    /// <param name="name">As in <see cref="KernelRequest.Name"/>: "LayerNormalization&lt;Float16&gt;.Kernel".</param>
    public static MachineCode MachineCode(int computeCapability, ComputeType type, string name) =>
        Compilation.MachineCode.Of(Of(computeCapability, type).First(kernel => kernel.Request.Name == name).Text.Ptx, computeCapability);

    private static List<(KernelRequest Request, KernelText Text)> Compile(int computeCapability, ComputeType type)
    {
        using GpuDevice device = GpuDevice.Offline(computeCapability);
        using IKernels kernels = GpuKernels.Create(device, type);
        LoadAll(kernels, []);
        return ((OfflineKernelLoader)device.Kernels).Kernels;
    }

    private static void LoadAll(object holder, HashSet<object> seen)
    {
        if (!seen.Add(holder) || holder is GpuDevice)
        {
            return;
        }

        if (holder is Array array)
        {
            foreach (object item in array.OfType<object>())
            {
                LoadAll(item, seen);
            }

            return;
        }

        foreach (object value in holder.GetType().GetFields(BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic).Select(field => field.GetValue(holder)).OfType<object>())
        {
            Type type = value.GetType();
            if (type.IsGenericType && type.GetGenericTypeDefinition() == typeof(Lazy<>))
            {
                object lazy = type.GetProperty(nameof(Lazy<>.Value))!.GetMethod!.Invoke(value, BindingFlags.DoNotWrapExceptions, null, null, null)!;
                if (lazy is not Delegate)
                {
                    LoadAll(lazy, seen);
                }
            }
            else if (type.Assembly == typeof(GpuDevice).Assembly || type.IsArray)
            {
                LoadAll(value, seen);
            }
        }
    }
}
