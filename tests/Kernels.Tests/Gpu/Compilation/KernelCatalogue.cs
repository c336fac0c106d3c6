using System.Collections;
using System.Collections.Concurrent;
using System.Reflection;
using Handwritten.Kernels.Gpu;
using Handwritten.Kernels.Gpu.Compilation;
using ILGPU.Runtime;
using ILGPU.Runtime.Cuda;

namespace Handwritten.Kernels.Tests.Gpu.Compilation;

/// <summary>
/// Every kernel of the back end, compiled as it ships: the back end is made for a device that is not there, and each kernel
/// that any of its parts holds ready, as a <see cref="Lazy{T}"/> in a field or in <see cref="KernelForms{TForm, TLauncher}"/>, is loaded.
/// </summary>
internal static class KernelCatalogue
{
    private static readonly ConcurrentDictionary<(int ComputeCapability, ComputeType Type), Lazy<IReadOnlyList<(KernelRequest Request, KernelText Text)>>> Known = new();

    private static readonly ConcurrentDictionary<(KernelRequest Request, KernelTarget Target), Lazy<KernelText>> Texts = new();
    private static readonly ConcurrentDictionary<KernelTarget, KernelCompiler> Compilers = new();

    /// <summary>All architectures with the compute types that they have; a back end holds its kernels of int8 weights ready whether it has such or not.</summary>
    public static IEnumerable<(int ComputeCapability, ComputeType Type)> Combinations =>
        KernelTarget.Architectures.SelectMany(architecture => Enum.GetValues<ComputeType>()
            .Where(type => !type.HasInt8Weights() && (type != ComputeType.BFloat16 || architecture >= 80)).Select(type => (architecture, type)));

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
        using GpuDevice device = GpuDevice.Offline(computeCapability, request => Compile(request, KernelTarget.For(computeCapability)));
        using IKernels kernels = GpuKernels.Create(device, type);
        LoadAll(kernels, []);
        return ((OfflineKernelLoader)device.Kernels).Kernels;
    }

    /// <summary>Architectures whose code ILGPU compiles in the same way share it: only the head of the text differs.</summary>
    private static KernelText Compile(KernelRequest request, KernelTarget target)
    {
        KernelTarget shared = KernelTarget.For(target.CompilerArchitecture == CudaArchitecture.SM_75 ? 75 : 80);
        KernelText text = Texts.GetOrAdd((request, shared), key => new(() => Compilers.GetOrAdd(shared, target => new KernelCompiler(target)).Translate(request))).Value;
        return KernelCompiler.Finish(text, request, target);
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
            if (type.IsGenericType && type.GetGenericTypeDefinition() == typeof(Lazy<>) && !IsBuffer(type.GetGenericArguments()[0]))
            {
                if (Force(value) is { } held and not Delegate)
                {
                    LoadAll(held, seen);
                }
            }
            else if (type.IsGenericType && type.GetGenericTypeDefinition() == typeof(KernelForms<,>))
            {
                foreach (object kernel in (IEnumerable)type.GetProperty(nameof(KernelForms<,>.All))!.GetValue(value)!)
                {
                    Force(kernel);
                }
            }
            else if (type.Assembly == typeof(GpuDevice).Assembly || type.IsArray)
            {
                LoadAll(value, seen);
            }
        }
    }

    private static object Force(object lazy) =>
        lazy.GetType().GetProperty(nameof(Lazy<>.Value))!.GetMethod!.Invoke(lazy, BindingFlags.DoNotWrapExceptions, null, null, null)!;

    /// <summary>Device memory that is filled when it is first needed: there is none here.</summary>
    private static bool IsBuffer(Type type) => type.IsAssignableTo(typeof(MemoryBuffer)) || type.IsAssignableTo(typeof(Tensor));
}
