using Handwritten.CudaEmulator.Ptx;
using Xunit;

namespace Handwritten.CudaEmulator.Tests.Ptx;

public sealed class PtxVariableTests
{
    [Theory]
    [InlineData(".global .u32 x;", StateSpace.Global, PtxType.U32, 4, 4)]
    [InlineData(".visible .global .align 16 .f32 x[8][2];", StateSpace.Global, PtxType.F32, 64, 16)]
    [InlineData(".global .v4 .f32 x[2];", StateSpace.Global, PtxType.F32, 32, 16)]
    [InlineData(".weak .const .b64 x[3];", StateSpace.Const, PtxType.B64, 24, 8)]
    [InlineData(".shared .align 2 .b8 x[3+4*2];", StateSpace.Shared, PtxType.B8, 11, 2)]
    [InlineData(".extern .shared .align 8 .b8 x[];", StateSpace.Shared, PtxType.B8, 0, 8)]
    [InlineData(".common .global .attribute(.managed) .u16 x;", StateSpace.Global, PtxType.U16, 2, 2)]
    public void Declarations_have_sizes_and_alignments(string declaration, StateSpace space, PtxType type, int bytes, int alignment)
    {
        PtxVariable variable = Assert.Single(PtxParser.Parse(PtxParserTests.Header + declaration).Variables);
        Assert.Equal((space, type, bytes, alignment), (variable.Space, variable.Type, variable.ByteSize, variable.Alignment));
        Assert.Equal(declaration.StartsWith(".extern", StringComparison.Ordinal), variable.IsExtern);
        Assert.Equal(("x", 4), (variable.Name, variable.Line));
        Assert.Null(variable.Initializer);
    }

    [Theory]
    [InlineData(".global .u8 x = -1;", 1, "FF")]
    [InlineData(".global .u16 x[3] = {1, 2};", 6, "01000200")]
    [InlineData(".global .u16 x[] = {1, 0x203};", 4, "01000302")]
    [InlineData(".global .u8 x[2][3] = {{1, 2}, {3}};", 6, "01020003")]
    [InlineData(".global .u8 x[][2] = {{1}, {2, 3}};", 4, "01000203")]
    [InlineData(".global .v2 .u8 x[2] = {{1, 2}, {3, 4}};", 4, "01020304")]
    [InlineData(".const .f32 x = 1.0;", 4, "0000803F")]
    [InlineData(".const .f32 x[2] = {0f40000000, -1.5};", 8, "000000400000C0BF")]
    [InlineData(".const .f64 x = 0f3F800000;", 8, "000000000000F03F")]
    [InlineData(".const .b32 x = 0f3F800000;", 4, "0000803F")]
    [InlineData(".const .s64 x = 1 - 2;", 8, "FFFFFFFFFFFFFFFF")]
    public void Initial_values_become_bytes(string declaration, int bytes, string expected)
    {
        PtxVariable variable = Assert.Single(PtxParser.Parse(PtxParserTests.Header + declaration).Variables);
        Assert.Equal(bytes, variable.ByteSize);
        Assert.Equal(expected, Convert.ToHexString(variable.Initializer!));
    }

    [Fact]
    public void Addresses_of_variables_are_left_to_whoever_places_them()
    {
        PtxModule module = PtxParser.Parse(PtxParserTests.Header + """
            .global .u32 a[4], b = 7;
            .global .u64 p[] = {a, 5, generic(b) + 2*2, a + -4};
            """);

        Assert.Equal(["a", "b", "p"], module.Variables.Select(variable => variable.Name));
        PtxVariable pointers = module.Variables[2];
        Assert.Equal(32, pointers.ByteSize);
        Assert.Equal(
            [
                new PtxRelocation(0, 8, module.Variables[0], 0, false),
                new PtxRelocation(16, 8, module.Variables[1], 4, true),
                new PtxRelocation(24, 8, module.Variables[0], -4, false),
            ],
            pointers.Relocations);
        Assert.Equal("00000000000000000500000000000000", Convert.ToHexString(pointers.Initializer!)[..32]);
    }

    [Fact]
    public void Variables_of_a_function_stay_in_it_unless_they_outlive_it()
    {
        PtxModule module = PtxParser.Parse(PtxParserTests.Header + """
            .entry kernel()
            {
                .shared .align 4 .b8 tile[32];
                .local .f64 spill[2];
                .global .u32 counter = 3;
                .reg .b32 %r;
                ld.global.u32 %r, [counter];
            }
            """);

        PtxFunction kernel = module.Functions[0];
        Assert.Equal(["tile", "spill"], kernel.Variables.Select(variable => variable.Name));
        PtxVariable counter = Assert.Single(module.Variables);
        Assert.Equal("03000000", Convert.ToHexString(counter.Initializer!));
        Assert.Same(counter, ((PtxOperand.Address)kernel.Instructions[0].Operands[1]).Symbol);
    }
}
