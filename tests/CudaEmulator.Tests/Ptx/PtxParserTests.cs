using Handwritten.CudaEmulator.Ptx;
using Xunit;

namespace Handwritten.CudaEmulator.Tests.Ptx;

public sealed class PtxParserTests
{
    internal const string Header = ".version 7.8\n.target sm_80\n.address_size 64\n";

    /// <summary>Parses a kernel that declares registers of every type and whose body is given.</summary>
    internal static PtxFunction Body(string body) => PtxParser.Parse(Kernel(body)).Functions[^1];

    internal static string Kernel(string body) => $$"""
        {{Header}}
        .global .align 16 .b8 table[64];
        .shared .align 16 .b8 tile[64];
        .func callee(.param .b32 x) { ret; }
        .entry kernel(.param .u64 pointer, .param .u32 count)
        {
            .reg .pred %p<9>;
            .reg .b16 %h<9>;
            .reg .b32 %r<9>;
            .reg .b64 %rd<9>;
            .reg .f32 %f<9>;
            .reg .f64 %fd<9>;
            .reg .v4 .f32 %v;
            {{body}}
        }
        """;

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
                st.global.f32 [%rd3+-4], 0f3F800000; // one
            DONE:
                ret;
            }
            """);

        PtxFunction kernel = Assert.Single(module.Functions);
        Assert.Equal((78, 80), (module.Version, module.Target));
        Assert.True(kernel.IsEntry);
        Assert.Equal((256, 2), (kernel.MaxThreads, kernel.MinBlocks));
        Assert.False(kernel.RequiresExactThreads);
        Assert.Equal([8, 4], kernel.Parameters.Select(parameter => parameter.Alignment));
        Assert.Equal(["%rd1", "%r1", "%r2", "%p1", "%rd2", "%rd3"], kernel.Registers.Select(register => register.Name));
        Assert.Equal([0, 1, 2, 3, 4, 5], kernel.Registers.Select(register => register.Index));

        PtxInstruction branch = kernel.Instructions[4];
        Assert.Equal("%p1", branch.Guard?.Register.Name);
        Assert.Equal(new PtxOperand.Label("DONE", 8), Assert.Single(branch.Operands));
        PtxInstruction store = kernel.Instructions[7];
        Assert.Equal(19, store.Line);
        Assert.Equal(["global", "f32"], store.Modifiers);
        Assert.Equal(new PtxOperand.Address(kernel.Registers[5], null, -4), store.Operands[0]);
        Assert.Equal(new PtxOperand.Immediate(0x3F800000, IsFloat: true, IsSingle: true), store.Operands[1]);
    }

    [Fact]
    public void Directives_for_debuggers_and_optimisers_are_read_over()
    {
        PtxModule module = PtxParser.Parse($$"""
            {{Header}}
            .file 1 "a \"quoted\" name.cu", 123, 456
            .visible .entry kernel()
            .reqntid 32
            .maxnreg 64
            .pragma "nounroll";
            {
                .loc 1 22 5
                .pragma "used_bytes_mask 0xF";
                .loc 1 23 5, function_name $info+4, inlined_at 1 20 3
                ret;
            }
            .section .debug_str { $info: .b8 65, 0 { .b32 5 } }
            """);
        PtxFunction kernel = Assert.Single(module.Functions);
        Assert.Equal((32, 64, true), (kernel.MaxThreads, kernel.MaxRegisters, kernel.RequiresExactThreads));
        Assert.Equal("ret", Assert.Single(kernel.Instructions).Opcode);
    }

    [Theory]
    [InlineData("sm_90a", 90, 'a')]
    [InlineData("sm_75, texmode_independent", 75, null)]
    [InlineData("sm_100f", 100, 'f')]
    public void Targets_have_numbers_suffixes_and_options(string target, int number, char? suffix)
    {
        PtxModule module = PtxParser.Parse($".version 8.8\n.target {target}\n");
        Assert.Equal((88, number, suffix), (module.Version, module.Target, module.TargetSuffix));
    }

    [Theory]
    [InlineData("mov.u32 %r1, %tid.x;", "r:%r1 s:tid.x")]
    [InlineData("mov.u64 %rd1, %clock64;", "r:%rd1 s:clock64")]
    [InlineData("mov.v4.u32 {%r1,%r2,%r3,%r4}, %ntid;", "{r:%r1,r:%r2,r:%r3,r:%r4} {s:ntid.x,s:ntid.y,s:ntid.z,s:ntid.w}")]
    [InlineData("setp.lt.s32 %p1|%p2, %r1, -5;", "%p1|%p2 r:%r1 -5")]
    [InlineData("setp.lt.s32 _|%p2, %r1, 0x1F;", "_|%p2 r:%r1 31")]
    [InlineData("setp.lt.s32 %p1|_, %r1, 010;", "%p1|_ r:%r1 8")]
    [InlineData("and.pred %p1, !%p2, %p3;", "r:%p1 !r:%p2 r:%p3")]
    [InlineData("shfl.sync.idx.b32 %r1|%p1, %r2, 0b11, 31U, 0xFFFFFFFF;", "%r1|%p1 r:%r2 3 31 4294967295")]
    [InlineData("mov.f32 %f1, 1.5;", "r:%f1 1.5d")]
    [InlineData("mov.f32 %f1, .5;", "r:%f1 0.5d")]
    [InlineData("mov.f32 %f1, -2.5e-1;", "r:%f1 -0.25d")]
    [InlineData("mov.f64 %fd1, 0d3FF8000000000000;", "r:%fd1 1.5d")]
    [InlineData("mov.f32 %f1, 0F40000000;", "r:%f1 2f")]
    [InlineData("mov.u64 %rd1, table;", "r:%rd1 table+0")]
    [InlineData("mov.u64 %rd1, table+4*2;", "r:%rd1 table+8")]
    [InlineData("mov.u64 %rd1, callee;", "r:%rd1 callee()")]
    [InlineData("ld.global.u32 %r1, [table];", "r:%r1 [table+0]")]
    [InlineData("ld.global.u32 %r1, [table+-4];", "r:%r1 [table-4]")]
    [InlineData("ld.global.u32 %r1, [ %rd1 + 16 ];", "r:%r1 [%rd1+16]")]
    [InlineData("ld.local.u32 %r1, [0x100];", "r:%r1 [256]")]
    [InlineData("ld.param.u32 %r1, [count];", "r:%r1 [count+0]")]
    [InlineData("ld.global.v4.f32 {%f1, _, %v.y, %v.a}, [%rd1];", "{r:%f1,_,r:%v.y,r:%v.w} [%rd1+0]")]
    [InlineData("ld.global.v4.f32 %v, [%rd1];", "{r:%v.x,r:%v.y,r:%v.z,r:%v.w} [%rd1+0]")]
    [InlineData("st.shared.v2.u32 [tile+8], {%r1, 7};", "[tile+8] {r:%r1,7}")]
    [InlineData("atom.global.add.u32 _, [%rd1], WARP_SZ;", "_ [%rd1+0] 32")]
    [InlineData("call callee, (%r1);", "callee() () (r:%r1)")]
    [InlineData("call.uni (%r1), callee, (%r2, 5);", "callee() (r:%r1) (r:%r2,5)")]
    [InlineData("bar.sync 0;", "0")]
    [InlineData("ret;", "")]
    public void Operands_of_every_form(string instruction, string expected)
    {
        Assert.Equal(expected, string.Join(' ', Assert.Single(Body(instruction).Instructions).Operands.Select(Text)));
    }

    [Theory]
    [InlineData("1 + 2 * 3", 7)]
    [InlineData("(1 + 2) * 3", 9)]
    [InlineData("10 - 4 - 3", 3)]
    [InlineData("-7 / 2", -3)]
    [InlineData("-7 % 3", -1)]
    [InlineData("1 << 4 | 3 & 6 ^ 1", 19)]
    [InlineData("-8 >> 1", -4)]
    [InlineData("0xFFFFFFFFFFFFFFF8U >> 60", 15)]
    [InlineData("(.u64) -8 >> 60", 15)]
    [InlineData("~0", -1)]
    [InlineData("!5 + !0", 1)]
    [InlineData("1 << 64", 0)]
    [InlineData("3 > 2 && 2 >= 2 && 1 < 2 && 1 <= 1 && 1 != 2 && 2 == 2", 1)]
    [InlineData("0 || 0", 0)]
    [InlineData("1 ? 2 ? 3 : 4 : 5", 3)]
    [InlineData("-(-5)", 5)]
    [InlineData("-1 > 0U", 1)]
    [InlineData("(-9223372036854775807 - 1) / -1", long.MinValue)]
    [InlineData("(-9223372036854775807 - 1) % -1", 0)]
    public void Constant_expressions_are_computed_as_C_does(string expression, long expected)
    {
        PtxInstruction move = Assert.Single(Body($"mov.u64 %rd1, {expression};").Instructions);
        Assert.Equal((ulong)expected, Assert.IsType<PtxOperand.Immediate>(move.Operands[1]).Bits);
    }

    [Fact]
    public void Inner_braces_have_names_of_their_own()
    {
        PtxFunction kernel = Body("""
            mov.u32 %r1, 1;
            {
                .reg .f32 %r<4>;
                .local .u32 spill;
                mov.f32 %r1, 1.0;
                bra L;
                {
                    .local .u64 spill;
                    mov.u64 %rd1, spill;
                }
            L:  mov.u64 %rd2, spill;
            }
            bra L;
            L: mov.u32 %r1, 2;
            """);

        PtxRegister outer = ((PtxOperand.Register)kernel.Instructions[0].Operands[0]).Value;
        PtxRegister inner = ((PtxOperand.Register)kernel.Instructions[1].Operands[0]).Value;
        Assert.Equal((PtxType.B32, PtxType.F32), (outer.Type, inner.Type));
        Assert.NotEqual(outer.Index, inner.Index);
        Assert.Equal(outer, ((PtxOperand.Register)kernel.Instructions[6].Operands[0]).Value);
        Assert.Equal(4, ((PtxOperand.Label)kernel.Instructions[2].Operands[0]).Target);
        Assert.Equal(6, ((PtxOperand.Label)kernel.Instructions[5].Operands[0]).Target);

        Assert.Equal([4, 8], kernel.Variables.Select(variable => variable.ByteSize));
        Assert.Equal(2, kernel.Variables.Select(variable => variable.Name).Distinct().Count());
        Assert.Equal(8, ((PtxOperand.VariableAddress)kernel.Instructions[3].Operands[1]).Value.ByteSize);
        Assert.Equal(4, ((PtxOperand.VariableAddress)kernel.Instructions[4].Operands[1]).Value.ByteSize);
    }

    [Fact]
    public void Functions_are_declared_defined_and_called()
    {
        PtxModule module = PtxParser.Parse($$"""
            {{Header}}
            .extern .func (.param .b32 status) vprintf(.param .b64 format, .param .b64 arguments);
            .func (.param .align 8 .b8 pair[16]) swap(.param .b64 a, .param .b64 b);
            .func (.reg .b32 sum) add(.reg .b32 a, .reg .b32 b) { add.s32 sum, a, b; ret; }
            .func (.param .align 8 .b8 pair[16]) swap(.param .b64 a, .param .b64 b) .noreturn { trap; }
            .entry kernel()
            {
                .reg .b32 %r<2>;
                .reg .b64 %rd;
                { .param .b64 x; .param .align 8 .b8 y[16]; st.param.b64 [x], 5; call (y), swap, (x, x); }
                call (%r1), add, (%r0, 2);
                signature: .callprototype (.param .b32 _) _ (.param .b32 _, .param .align 8 .b8 _[16]);
                { .param .b32 z; .param .align 8 .b8 w[16]; call (z), %rd, (z, w), signature; }
                list: .calltargets swap, add;
                call %rd, list;
            }
            """);

        Assert.Equal(["vprintf", "swap", "add", "kernel"], module.Functions.Select(function => function.Name));
        Assert.Equal([true, false, false, false], module.Functions.Select(function => function.IsDeclaration));
        PtxFunction swap = module.Functions[1];
        Assert.Equal((16, 8), (swap.Results[0].ByteSize, swap.Results[0].Alignment));

        PtxFunction add = module.Functions[2];
        Assert.Equal(["sum", "a", "b"], add.Results.Concat(add.Parameters).Select(parameter => parameter.Register?.Name));
        Assert.Equal(add.Registers, add.Instructions[0].Operands.Select(operand => ((PtxOperand.Register)operand).Value));

        IReadOnlyList<PtxInstruction> calls = module.Functions[3].Instructions;
        Assert.Equal("swap() (y+0) (x+0,x+0)", string.Join(' ', calls[1].Operands.Select(Text)));
        Assert.Equal("add() (r:%r1) (r:%r0,2)", string.Join(' ', calls[2].Operands.Select(Text)));
        PtxOperand.Prototype prototype = Assert.IsType<PtxOperand.Prototype>(calls[3].Operands[3]);
        Assert.Equal([4, 16], prototype.Parameters.Select(parameter => parameter.ByteSize));
        Assert.Equal("r:%rd () () (swap(),add())", string.Join(' ', calls[4].Operands.Select(Text)));
        PtxVerifier.Verify(module, 80);
    }

    [Fact]
    public void A_switch_knows_its_targets()
    {
        PtxFunction kernel = Body("""
            targets: .branchtargets A, B, A;
            brx.idx %r1, targets;
            A: mov.u32 %r2, 1;
            B: ret;
            """);
        Assert.Equal("r:%r1 (A@1,B@2,A@1)", string.Join(' ', kernel.Instructions[0].Operands.Select(Text)));
    }

    [Fact]
    public void A_range_of_registers_costs_nothing_until_they_are_used()
    {
        PtxFunction kernel = Body(".reg .b32 huge<200000000>; mov.u32 huge199999999, huge0;");
        Assert.Equal(["huge199999999", "huge0"], kernel.Registers.Select(register => register.Name));
    }

    [Fact]
    public void Deep_nesting_of_braces_does_not_recurse()
    {
        const int Depth = 100_000;
        PtxFunction kernel = Body(new string('{', Depth) + "ret;" + new string('}', Depth));
        Assert.Single(kernel.Instructions);
    }

    internal static string Text(PtxOperand? operand) => operand switch
    {
        null or PtxOperand.Sink => "_",
        PtxOperand.Register register => (register.Negated ? "!r:" : "r:") + register.Value.Name,
        PtxOperand.Special special => $"s:{special.Name}",
        PtxOperand.Pair pair => $"{pair.First?.Name ?? "_"}|{pair.Second?.Name ?? "_"}",
        PtxOperand.Immediate { IsFloat: false } immediate => $"{(long)immediate.Bits}",
        PtxOperand.Immediate { IsSingle: true } immediate => $"{immediate.ToSingle()}f",
        PtxOperand.Immediate immediate => $"{immediate.ToDouble()}d",
        PtxOperand.Address { Base: null, Symbol: null } address => $"[{address.Offset}]",
        PtxOperand.Address address => $"[{address.Base?.Name ?? address.Symbol!.Name}{address.Offset:+0;-0;+0}]",
        PtxOperand.VariableAddress address => $"{address.Value.Name}+{address.Offset}",
        PtxOperand.Vector vector => $"{{{string.Join(',', vector.Elements.Select(Text))}}}",
        PtxOperand.List list => $"({string.Join(',', list.Elements.Select(Text))})",
        PtxOperand.FunctionName function => $"{function.Name}()",
        PtxOperand.Label label => $"{label.Name}@{label.Target}",
        _ => operand.ToString(),
    };
}
