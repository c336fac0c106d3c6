using System.Text.RegularExpressions;
using Handwritten.CudaEmulator.Ptx;
using ILGPU;
using ILGPU.Runtime.Cuda;
using Xunit;

namespace Handwritten.CudaEmulator.Tests.Ptx;

/// <summary>The PTX of real compilations: every kernel of <see cref="Kernels"/>, optimised and not, for old and new devices.</summary>
public sealed partial class IlgpuPtxTests
{
    public static TheoryData<string, string> Everything
    {
        get
        {
            TheoryData<string, string> data = [];
            foreach (string variant in Variants.Keys)
            {
                foreach (string kernel in OfflineCompiler.KernelNames)
                {
                    data.Add(variant, kernel);
                }
            }

            return data;
        }
    }

    private static readonly Dictionary<string, Lazy<IReadOnlyDictionary<string, string>>> Variants = new()
    {
        ["optimised"] = new(() => OfflineCompiler.Usual),
        ["debug"] = new(() => OfflineCompiler.Compile(OptimizationLevel.Debug, true, CudaArchitecture.SM_80, CudaInstructionSet.ISA_70)),
        ["newest"] = new(() => OfflineCompiler.Compile(OptimizationLevel.O1, false, CudaArchitecture.SM_90, CudaInstructionSet.ISA_88)),
    };

    [Fact]
    public void There_are_kernels_enough() => Assert.True(OfflineCompiler.KernelNames.Count >= 30);

    [Theory]
    [MemberData(nameof(Everything))]
    public void What_ILGPU_compiles_is_understood(string variant, string kernel)
    {
        string text = Variants[variant].Value[kernel];
        PtxModule module = PtxParser.Parse(text);
        PtxVerifier.Verify(module, 90);
        Assert.Single(module.Functions, function => function.IsEntry);

        // ILGPU writes one instruction a line, behind one tab; inline assembly as it pleases.
        int count = module.Functions.Sum(function => function.Instructions.Count);
        int lines = InstructionLine().Count(text);
        Assert.True(kernel.StartsWith("Inline", StringComparison.Ordinal) ? count >= lines : count == lines, $"{count} of {lines} instructions");
        foreach (PtxFunction function in module.Functions.Where(function => !function.IsDeclaration))
        {
            IsResolved(module, function, text.Split('\n'));
        }
    }

    private static void IsResolved(PtxModule module, PtxFunction function, string[] lines)
    {
        HashSet<PtxVariable> variables = [.. module.Variables, .. function.Variables, .. function.Parameters, .. function.Results];
        foreach (PtxInstruction instruction in function.Instructions)
        {
            Assert.Contains(instruction.Opcode, lines[instruction.Line - 1], StringComparison.Ordinal);
            foreach (PtxOperand operand in instruction.Operands.SelectMany(Flat))
            {
                bool isSound = operand switch
                {
                    PtxOperand.Register register => register.Value == function.Registers[register.Value.Index],
                    PtxOperand.Address { Symbol: { } symbol } => variables.Contains(symbol),
                    PtxOperand.VariableAddress address => variables.Contains(address.Value),
                    PtxOperand.Label label => label.Target >= 0 && label.Target <= function.Instructions.Count,
                    PtxOperand.FunctionName name => module.Functions.Any(known => known.Name == name.Name),
                    ForwardReference => false,
                    _ => true,
                };
                Assert.True(isSound, $"line {instruction.Line}: {operand}");
            }
        }
    }

    private static IEnumerable<PtxOperand> Flat(PtxOperand operand) => operand switch
    {
        PtxOperand.List list => list.Elements.SelectMany(Flat),
        PtxOperand.Vector vector => vector.Elements.OfType<PtxOperand>().SelectMany(Flat),
        _ => [operand],
    };

    [GeneratedRegex(@"^\t(@!?%p\d+ )?[a-z]", RegexOptions.Multiline)]
    private static partial Regex InstructionLine();
}
