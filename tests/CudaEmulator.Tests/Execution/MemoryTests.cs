using Handwritten.CudaEmulator.Device;
using Handwritten.CudaEmulator.Execution;
using Handwritten.CudaEmulator.Ptx;
using Xunit;

namespace Handwritten.CudaEmulator.Tests.Execution;

public class MemoryTests
{
    private static readonly uint[] Values = [.. Enumerable.Range(0, 32).Select(i => (uint)(i * 0x01f3_5a71))];

    [Theory]
    [InlineData("u8", 1)]
    [InlineData("s8", 1)]
    [InlineData("u16", 2)]
    [InlineData("s16", 2)]
    [InlineData("b32", 4)]
    public void Narrow_loads_are_extended(string type, int bytes)
    {
        // Stored at a stride of one element, read back by the same lane and by the lane across.
        var bits = 32 - 8 * bytes;
        uint Extended(uint v) => type[0] == 's' ? (uint)((int)(v << bits) >> bits) : v << bits >> bits;
        var code = $"mov.u64 %w0, buffer; mul.wide.u32 %w1, %lane, {bytes}; add.u64 %w0, %w0, %w1; st.shared.{type} [%w0], %a; bar.warp.sync 0xffffffff;";
        Assert.Equal(Values.Select(Extended), Snippet.Run<uint>(code + $"ld.shared.{type} %d, [%w0];", Values));
        Assert.Equal(
            Values.Reverse().Select(Extended),
            Snippet.Run<uint>(code + $"mov.u64 %w2, buffer; sub.u64 %w2, %w2, %w1; ld.shared.{type} %d, [%w2+{31 * bytes}];", Values));
        Assert.Equal(
            Values.Select(v => type[0] == 's' ? (ulong)(long)(int)Extended(v) : Extended(v)),
            Snippet.Run<ulong>(code + $"ld.shared.{type} %d, [%w0];", Values));
        Assert.All(Snippet.Run<uint>(code + $"ld.shared.{type} %d, [buffer+{3 * bytes}];", Values), v => Assert.Equal(Extended(Values[3]), v));
    }

    [Theory]
    [InlineData("shared", "buffer")]
    [InlineData("global", "")]
    [InlineData("local", "")]
    public void Vectors_of_two_and_four(string space, string _)
    {
        using Kernel kernel = new(
            $$"""
            mul.wide.u32 %rd3, %r4, 16;
            {{(space switch
            {
                "shared" => "mov.u64 %rd2, buffer; add.u64 %rd2, %rd2, %rd3;",
                "global" => "add.u64 %rd2, %rd0, %rd3;",
                _ => "mov.u64 %rd2, mine;",
            })}}
            add.u32 %r5, %r4, 1; add.u32 %r6, %r4, 2; add.u32 %r7, %r4, 3;
            st.{{space}}.v4.u32 [%rd2], {%r4, %r5, %r6, %r7};
            ld.{{space}}.v2.u64 {%rd4, %rd5}, [%rd2];
            ld.{{space}}.v2.b16 {%h0, %h1}, [%rd2+8];
            mov.b64 {%r8, %r9}, %rd4; mov.b64 {%r10, %r11}, %rd5; cvt.u32.u16 %r12, %h0;
            bar.sync 0;
            add.u64 %rd6, %rd0, %rd3;
            add.u32 %r8, %r8, %r9; mad.lo.u32 %r10, %r11, 1000, %r10;
            st.global.v4.b32 [%rd6], {%r8, %r10, %r12, 99};
            """);
        var d = kernel.Run(new uint[4 * 64], 2, 32);
        for (uint i = 0; i < 64; i++)
        {
            Assert.Equal([2 * i + 1, i + 2 + 1000 * (i + 3), i + 2, 99], d[(4 * (int)i)..(4 * (int)i + 4)]);
        }
    }

    [Fact]
    public void Generic_addresses_point_into_every_space()
    {
        using Kernel kernel = new(
            """
            mov.u64 %rd2, buffer; cvta.shared.u64 %rd3, %rd2; mul.wide.u32 %rd4, %r1, 4; add.u64 %rd3, %rd3, %rd4;
            mov.u64 %rd5, mine; cvta.local.u64 %rd6, %rd5;
            st.u32 [%rd3], %r1;
            st.u32 [%rd6+8], 7;
            isspacep.shared %p0, %rd3; isspacep.local %p1, %rd6; isspacep.global %p2, %rd1; isspacep.shared %p3, %rd1;
            ld.local.u32 %r5, [mine+8]; ld.u32 %r6, [%rd3]; cvta.to.shared.u64 %rd7, %rd3; ld.shared.u32 %r7, [%rd7];
            add.u32 %r5, %r5, %r6; add.u32 %r5, %r5, %r7;
            selp.u32 %r8, 1000, 0, %p0; add.u32 %r5, %r5, %r8; selp.u32 %r8, 2000, 0, %p1; add.u32 %r5, %r5, %r8;
            selp.u32 %r8, 4000, 0, %p2; add.u32 %r5, %r5, %r8; selp.u32 %r8, 8000, 0, %p3; add.u32 %r5, %r5, %r8;
            // A third each of the lanes loads from shared, local and global memory by one instruction.
            st.global.u32 [%rd1], 50;
            rem.u32 %r9, %r1, 3; setp.eq.u32 %p4, %r9, 0; setp.eq.u32 %p5, %r9, 1;
            add.u64 %rd6, %rd6, 8;
            selp.b64 %rd8, %rd3, %rd1, %p4; selp.b64 %rd8, %rd6, %rd8, %p5;
            ld.u32 %r10, [%rd8];
            mad.lo.u32 %r5, %r10, 10000, %r5;
            st.u32 [%rd1], %r5;
            """);
        Assert.Equal(
            Enumerable.Range(0, 32).Select(i => (uint)(7007 + 2 * i + 10000 * (i % 3 == 0 ? i : i % 3 == 1 ? 7 : 50))), kernel.Run(new uint[32], 1, 32));
    }

    [Fact]
    public void Variables_of_the_module_have_their_values()
    {
        using Kernel kernel = new(
            """
            .global .align 4 .u32 numbers[4] = {10, 20, 30, 40};
            .const .align 4 .f32 half = 0f3F000000;
            .global .align 8 .u64 place = numbers;
            .visible .entry kernel(.param .u64 data)
            {
            .reg .b32 %r<5>; .reg .b64 %rd<5>; .reg .f32 %f<3>;
            ld.param.u64 %rd0, [data];
            ld.global.u32 %r0, [numbers+8];
            ld.const.f32 %f0, [half];
            cvt.rn.f32.u32 %f1, %r0; mul.f32 %f1, %f1, %f0;
            ld.global.u64 %rd1, [place]; ld.global.u32 %r1, [%rd1+4]; cvt.rn.f32.u32 %f2, %r1; add.f32 %f1, %f1, %f2;
            st.global.f32 [%rd0], %f1;
            ret;
            }
            """, isModule: true);
        Assert.Equal([35f], kernel.Run(new float[1], 1, 1));
        Assert.Equal(16, kernel.Module.FindGlobal("numbers")!.Bytes);
    }

    [Fact]
    public void Dynamic_shared_memory_begins_behind_the_declared()
    {
        using Kernel kernel = new(
            """
            .extern .shared .align 16 .b8 dynamic[];
            .visible .entry kernel(.param .u64 data)
            {
            .reg .b32 %r<8>; .reg .b64 %rd<5>;
            .shared .align 4 .b8 fixed[100];
            ld.param.u64 %rd0, [data];
            mov.u32 %r0, dynamic; mov.u32 %r1, fixed; sub.u32 %r2, %r0, %r1;
            st.shared.u32 [%r0+252], 17;
            mov.u32 %r3, %dynamic_smem_size;
            ld.shared.u32 %r4, [dynamic+252];
            st.global.v4.u32 [%rd0], {%r2, %r3, %r4, %r4};
            ret;
            }
            """, isModule: true);
        Assert.Equal(100, kernel.Module.FindKernel("kernel")!.StaticSharedBytes - 12);
        Assert.Equal([112u, 256, 17, 17], kernel.Run(new uint[4], 1, 1, dynamicShared: 256));
        Assert.Equal(CudaResult.IllegalAddress, Assert.Throws<DeviceFaultException>(() => kernel.Run(new uint[4], 1, 1, dynamicShared: 255)).Result);
    }

    [Theory]
    [InlineData("add.u64 %rd2, %rd1, 4; ld.global.u32 %r5, [%rd2];", "4 bytes at 0x", "they lie 0 bytes past the end of allocation", "thread (31,0,0)")]
    [InlineData("st.global.u32 [%rd1+-4], %r1;", "4 bytes before allocation", "thread (0,0,0)")]
    [InlineData("setp.eq.u32 %p0, %r1, 7; @%p0 st.global.u32 [%rd1+4096], %r1;", "st.global.u32", "block (0,0,0)", "thread (7,0,0)", "kernel kernel, PTX line ")]
    [InlineData("ld.global.u32 %r5, [0];", "0x0", "null or close to it")]
    [InlineData("ld.shared.u32 %r5, [buffer+1024];", "shared address 0x400", "1024 bytes of shared memory")]
    [InlineData("st.local.u32 [mine+64], %r1;", "local", "64 bytes of local memory that a thread has")]
    [InlineData("cvta.shared.u64 %rd3, 0; st.u32 [%rd3+1024], %r1;", "shared address 0x400")]
    [InlineData("mul.wide.u32 %rd2, %r1, 8; add.u64 %rd2, %rd0, %rd2; ld.global.v4.u32 {%r5, %r6, %r7, %r8}, [%rd2];", "not a multiple of 16", "thread (1,0,0)")]
    public void Accesses_outside_of_everything_are_reported(string code, params string[] parts)
    {
        using Kernel kernel = new(code);
        var fault = Assert.Throws<DeviceFaultException>(() => kernel.Run(new uint[32], 1, 32));
        Assert.Equal(fault.Message.Contains("multiple") ? CudaResult.MisalignedAddress : CudaResult.IllegalAddress, fault.Result);
        Assert.All(parts, part => Assert.Contains(part, fault.Message, StringComparison.Ordinal));
    }

    [Fact]
    public void Freed_memory_is_known_by_name()
    {
        using Kernel kernel = new("ld.global.u64 %rd2, [%rd0]; ld.global.u32 %r5, [%rd2];");
        // Large, so that the argument buffer of the run does not get its place.
        var gone = kernel.Memory.TryAllocate(8 << 20)!;
        kernel.Memory.Free(gone.Address);
        var fault = Assert.Throws<DeviceFaultException>(() => kernel.Run([gone.Address], 1, 1));
        Assert.Contains("which has been freed", fault.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("trap;", CudaResult.IllegalInstruction)]
    [InlineData("bar.sync 0, 33;", CudaResult.IllegalInstruction)]
    [InlineData("bar.sync 1, 128;", CudaResult.LaunchTimeout)]
    [InlineData("setp.lt.u32 %p0, %r1, 4; @%p0 shfl.sync.idx.b32 %r5, %r1, 0, 31, 0xff;  @!%p0 bar.sync 3; bar.sync 2;", CudaResult.LaunchTimeout)]
    public void Kernels_that_cannot_end_well(string code, CudaResult result)
    {
        using Kernel kernel = new(code);
        Assert.Equal(result, Assert.Throws<DeviceFaultException>(() => kernel.Run(new uint[64], 1, 64)).Result);
    }

    [Fact]
    public void Failed_assertions_say_what_and_where()
    {
        using Kernel kernel = new(
            """
            .extern .func __assertfail(.param .b64 m, .param .b64 f, .param .b32 l, .param .b64 n, .param .b64 c);
            .global .align 1 .b8 message[] = "i < n";
            .global .align 1 .b8 file[] = "a.cs";
            .visible .entry kernel(.param .u64 data)
            {
            .reg .b64 %rd<5>; .reg .b32 %r<3>; .reg .pred %p<2>;
            mov.u32 %r0, %tid.x; setp.ne.u32 %p0, %r0, 5; @%p0 bra GOOD;
            { .param .b64 a; .param .b64 b; .param .b32 c; .param .b64 d; .param .b64 e;
            mov.u64 %rd0, message; cvta.global.u64 %rd0, %rd0; st.param.b64 [a], %rd0;
            mov.u64 %rd1, file; cvta.global.u64 %rd1, %rd1; st.param.b64 [b], %rd1; st.param.b32 [c], 42;
            st.param.b64 [d], %rd1; st.param.b64 [e], 1;
            call __assertfail, (a, b, c, d, e); }
            GOOD: ret;
            }
            """.Replace("\"i < n\"", "{105, 32, 60, 32, 110, 0}", StringComparison.Ordinal).Replace("\"a.cs\"", "{97, 46, 99, 115, 0}", StringComparison.Ordinal), isModule: true);
        var fault = Assert.Throws<DeviceFaultException>(() => kernel.Run(new uint[1], 1, 32));
        Assert.Equal(CudaResult.Assert, fault.Result);
        Assert.Contains("thread (5,0,0): a.cs:42: a.cs: assertion 'i < n' failed", fault.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("foo.u32 %r5, %r1;")]
    [InlineData("add.bar.u32 %r5, %r1, 1;")]
    [InlineData("add.u32 %rd5, %r1, 1;")]
    [InlineData("cp.async.cg.shared.global [buffer], [%rd0], 8;")]
    public void What_is_unknown_fails_the_load_with_its_line(string code)
    {
        var error = Assert.Throws<PtxException>(() => new Kernel("\n\n" + code));
        Assert.Equal(14, error.Line);
    }

    [Fact]
    public void Targets_limit_instructions()
    {
        Assert.Throws<PtxException>(() => new Kernel("cp.async.ca.shared.global [buffer], [%rd0], 4;", target: 75));
        Assert.Throws<PtxException>(() => new Kernel("", target: 100));
        new Kernel("cp.async.ca.shared.global [buffer], [%rd0], 4;", target: 80).Dispose();
    }

    [Fact]
    public void Recursion_is_refused()
    {
        const string Module = ".func f() { call f; ret; } .visible .entry kernel() { call f; ret; }";
        Assert.Contains("recursion", Assert.Throws<PtxException>(() => new Kernel(Module, isModule: true)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Blocks_run_on_all_workers_and_give_the_same()
    {
        const string Code = "mul.lo.u32 %r5, %r4, %r4; ld.global.u32 %r6, [%rd1]; add.u32 %r5, %r5, %r6; st.global.u32 [%rd1], %r5;";
        using Kernel kernel = new(Code);
        uint[] data = [.. Enumerable.Range(0, 100 * 77).Select(i => (uint)i * 3)];
        var expected = data.Select((v, i) => (uint)i * (uint)i + v);
        Assert.Equal(expected, kernel.Run(data, 100, 77));
        Assert.Equal(expected, kernel.Run(data, 100, 77, workers: 1));
        Assert.Equal(expected, kernel.Run(data, 100, 77, workers: 7));
    }

    [Fact]
    public void Grids_and_blocks_have_three_dimensions()
    {
        using Kernel kernel = new(
            """
            .visible .entry kernel(.param .u64 data)
            {
            .reg .b32 %r<20>; .reg .b64 %rd<5>;
            ld.param.u64 %rd0, [data];
            mov.v4.u32 {%r0, %r1, %r2, _}, %tid; mov.u32 %r3, %ctaid.x; mov.u32 %r4, %ctaid.y; mov.u32 %r5, %ctaid.z;
            mad.lo.u32 %r6, %r2, 3, %r1; mad.lo.u32 %r6, %r6, 5, %r0;
            mov.u32 %r7, %nctaid.y; mad.lo.u32 %r8, %r5, %r7, %r4; mov.u32 %r7, %nctaid.x; mad.lo.u32 %r8, %r8, %r7, %r3;
            mad.lo.u32 %r9, %r8, 60, %r6; mul.wide.u32 %rd1, %r9, 4; add.u64 %rd0, %rd0, %rd1;
            mad.lo.u32 %r10, %r5, 10, %r4; mad.lo.u32 %r10, %r10, 10, %r3; mad.lo.u32 %r10, %r10, 10, %r2; mad.lo.u32 %r10, %r10, 10, %r1; mad.lo.u32 %r10, %r10, 10, %r0;
            st.global.u32 [%rd0], %r10;
            ret;
            }
            """, isModule: true);
        var result = kernel.Memory.TryAllocate(4 * 60 * 24)!;
        var parameters = BitConverter.GetBytes(result.Address);
        GridRunner.Run(new(kernel.Module.FindKernel("kernel")!, new(2, 3, 4), new(5, 3, 4), 0, parameters), kernel.Memory, Snippet.Profile);
        uint[] d;
        unsafe
        {
            d = new Span<uint>((void*)result.Address, 60 * 24).ToArray();
        }

        var expected = from bz in Enumerable.Range(0, 4)
                       from across in Enumerable.Range(0, 3)
                       from bx in Enumerable.Range(0, 2)
                       from z in Enumerable.Range(0, 4)
                       from y in Enumerable.Range(0, 3)
                       from x in Enumerable.Range(0, 5)
                       select (uint)(((((bz * 10 + across) * 10 + bx) * 10 + z) * 10 + y) * 10 + x);
        Assert.Equal(expected, d);
    }
}
