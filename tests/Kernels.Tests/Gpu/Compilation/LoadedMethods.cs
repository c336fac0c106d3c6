using System.Reflection;
using System.Reflection.Emit;
using Handwritten.Kernels.Gpu;
using Handwritten.Kernels.Gpu.Compilation;
using ILGPU;

namespace Handwritten.Kernels.Tests.Gpu.Compilation;

/// <summary>
/// The methods that the back end's code hands to <see cref="KernelLoader"/>, found in that code itself: every static method
/// that takes views of device memory and whose address is taken.
/// </summary>
internal static class LoadedMethods
{
    private static readonly Dictionary<short, OpCode> OpCodesByValue = typeof(OpCodes).GetFields(BindingFlags.Public | BindingFlags.Static)
        .Select(field => (OpCode)field.GetValue(null)!).ToDictionary(code => code.Value);

    /// <summary>All of them, as they are declared (generic).</summary>
    public static HashSet<MethodBase> All { get; } =
        [.. typeof(GpuDevice).Assembly.GetTypes().SelectMany(MethodsOf).SelectMany(UsesOf)
            .Where(use => use.Code == OpCodes.Ldftn && use.Method.IsStatic && use.Method.GetParameters().Any(IsView)).Select(use => Declared(use.Method))];

    /// <summary>A method as it is declared, whatever type arguments it has here.</summary>
    public static MethodBase Declared(MethodBase method) => method.Module.ResolveMethod(method.MetadataToken)!;

    private static IEnumerable<MethodBase> MethodsOf(Type type)
    {
        const BindingFlags all = BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.Static | BindingFlags.Instance | BindingFlags.DeclaredOnly;
        return type.GetMethods(all).Concat<MethodBase>(type.GetConstructors(all));
    }

    private static bool IsView(ParameterInfo parameter) =>
        parameter.ParameterType.IsGenericType && parameter.ParameterType.GetGenericTypeDefinition() == typeof(ArrayView<>);

    /// <summary>The methods that a method's code names, with the instruction that does.</summary>
    private static IEnumerable<(OpCode Code, MethodBase Method)> UsesOf(MethodBase method)
    {
        byte[] code = method.GetMethodBody()?.GetILAsByteArray() ?? [];
        Type[] types = method.DeclaringType!.GetGenericArguments(), own = method.IsGenericMethod ? method.GetGenericArguments() : [];
        for (int at = 0; at < code.Length;)
        {
            short value = code[at] == 0xFE ? unchecked((short)(0xFE00 | code[at + 1])) : code[at];
            OpCode instruction = OpCodesByValue[value];
            at += instruction.Size;
            if (instruction.OperandType == OperandType.InlineMethod)
            {
                yield return (instruction, method.Module.ResolveMethod(BitConverter.ToInt32(code, at), types, own)!);
            }

            at += instruction.OperandType switch
            {
                OperandType.InlineNone => 0,
                OperandType.ShortInlineBrTarget or OperandType.ShortInlineI or OperandType.ShortInlineVar => 1,
                OperandType.InlineVar => 2,
                OperandType.InlineI8 or OperandType.InlineR => 8,
                OperandType.InlineSwitch => 4 + (4 * BitConverter.ToInt32(code, at)),
                _ => 4,
            };
        }
    }
}
