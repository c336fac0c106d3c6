using Handwritten.CudaEmulator.Ptx;
using Xunit;

namespace Handwritten.CudaEmulator.Tests.Ptx;

public sealed class PtxParserTests
{
    internal const string Header = ".version 7.8\n.target sm_80\n.address_size 64\n";

    [Fact]
    public void A_kernel_is_read_with_its_registers_labels_and_lines()
    {
        PtxModule module = PtxParser.Parse("""
            .version 7.8
            .target sm_80, debug
            .address_size 64
            .visible .entry fill(.param .u64 .ptr .global .align 16 out, .param .u32 count)
            .maxntid 128, 2, 1
            .minnctapersm 2
            {
                .reg .pred %p<2>;
                .reg .b32 %r<8>;
                .reg .b64 %rd<4>;
                ld.param.u64 %rd1, [out];
                ld.param.u32 %r1, [count+0];
                mov.u32 %r2, %tid.x; /* who
                am I */
                setp.ge.u32 %p1, %r2, %r1;
                @%p1 bra DONE;
                mul.wide.u32 %rd2, %r2, 4;
                add.s64 %rd3, %rd1, %rd2;
                st.global.f32 [%rd3+-4], 0f3F800000;
            DONE:
                ret;
            }
            """);

        PtxFunction kernel = Assert.Single(module.Functions);
        Assert.Equal((78, 80), (module.Version, module.Target));
        Assert.True(kernel.IsEntry);
        Assert.Equal((256, 2), (kernel.MaxThreads, kernel.MinBlocks));
        Assert.Equal([8, 4], kernel.Parameters.Select(parameter => parameter.Alignment));
        Assert.Equal(["%rd1", "%r1", "%r2", "%p1", "%rd2", "%rd3"], kernel.Registers.Select(register => register.Name));

        PtxInstruction branch = kernel.Instructions[4];
        Assert.Equal("%p1", branch.Guard?.Register.Name);
        Assert.Equal(new PtxOperand.Label("DONE", 8), Assert.Single(branch.Operands));
        PtxInstruction store = kernel.Instructions[7];
        Assert.Equal(19, store.Line);
        Assert.Equal(["global", "f32"], store.Modifiers);
        Assert.Equal(new PtxOperand.Address(kernel.Registers[5], null, -4), store.Operands[0]);
        Assert.Equal(new PtxOperand.Immediate(0x3F800000, IsFloat: true, IsSingle: true), store.Operands[1]);
    }
}
