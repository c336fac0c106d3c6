using Handwritten.Kernels.Gpu.Compilation;
using Xunit;

namespace Handwritten.Kernels.Tests.Gpu.Compilation;

public sealed class LocalDepotsTests
{
    private static string Promote(params string[] body) => LocalDepots.Promote(Module(body));

    private static string Module(params string[] body) => $".version 7.8\n.target sm_80\n\n.visible .entry Kernel_X(\n\t.param .b32 _n\n)\n{{\n\t{string.Join("\n\t", body)}\n}}\n";

    [Fact]
    public void A_depot_that_is_only_loaded_and_stored_becomes_registers()
    {
        string result = Promote(
            ".local .align 8 .b8 __local_depot0[8];",
            ".reg .b64 %rd<3>;",
            "mov.b64\t%rd1, __local_depot0;",
            "st.local.v2.b32\t[%rd1], {0, %r5};",
            "add.u64\t%rd2, %rd1, 4;",
            "ld.local.f32\t%f1, [%rd2];");

        Assert.Equal(
            Module(
                ".reg .b32\t%depot0_0;\n\t.reg .b32\t%depot0_4;",
                ".reg .b64 %rd<3>;",
                "mov.b32\t%depot0_0, 0;",
                "mov.b32\t%depot0_4, %r5;",
                "mov.f32\t%f1, %depot0_4;"),
            result);
    }

    [Fact]
    public void An_offset_within_the_brackets_and_a_guard_are_kept()
    {
        string result = Promote(
            ".local .align 8 .b8 __local_depot3[16];",
            "mov.u64\t%rd1, __local_depot3;",
            "@%p1 st.local.u64\t[%rd1+8], %rd7;",
            "@!%p1 ld.local.u64\t%rd8, [%rd1+8];");
        Assert.Equal(Module(".reg .b64\t%depot3_8;", "@%p1 mov.u64\t%depot3_8, %rd7;", "@!%p1 mov.u64\t%rd8, %depot3_8;"), result);
    }

    [Fact]
    public void A_depot_that_nothing_uses_vanishes() =>
        Assert.Equal(Module("ret;"), Promote(".local .align 4 .b8 __local_depot0[4];", "mov.b64\t%rd1, __local_depot0;", "ret;"));

    [Fact]
    public void A_register_may_point_to_one_depot_after_another()
    {
        string result = Promote(
            ".local .align 4 .b8 __local_depot0[4];",
            ".local .align 4 .b8 __local_depot1[4];",
            "mov.b64\t%rd1, __local_depot0;",
            "mov.b64\t%rd2, __local_depot1;",
            "mov.b64\t%rd3, %rd1;",
            "st.local.b32\t[%rd3], 1;",
            "mul.wide.u32\t%rd3, %r1, 4;",
            "mov.b64\t%rd3, %rd2;",
            "st.local.b32\t[%rd3], 2;");
        Assert.Equal(
            Module(".reg .b32\t%depot0_0;", ".reg .b32\t%depot1_0;", "mov.b32\t%depot0_0, 1;", "mul.wide.u32\t%rd3, %r1, 4;", "mov.b32\t%depot1_0, 2;"),
            result);
    }

    [Fact]
    public void A_constant_is_known_above_the_line_that_sets_it()
    {
        // Blocks come in any order: here the one that uses %rd2 stands before the one that sets it.
        string result = Promote(
            ".local .align 8 .b8 __local_depot0[8];",
            "mov.b64\t%rd1, __local_depot0;",
            "bra\tL_2;",
            "L_1:",
            "ld.local.b32\t%r1, [%rd2];",
            "ret;",
            "L_2:",
            "add.u64\t%rd2, %rd1, 4;",
            "st.local.b32\t[%rd2], 7;",
            "bra\tL_1;");
        Assert.Contains("mov.b32\t%r1, %depot0_4;", result, StringComparison.Ordinal);
        Assert.DoesNotContain("local", result, StringComparison.Ordinal);
    }

    public static TheoryData<string, string[]> Unknown => new()
    {
        { "an index known at run time", ["add.u64\t%rd2, %rd1, %rd9;", "st.local.b32\t[%rd2], 0;"] },
        { "a generic address", ["cvta.local.u64\t%rd2, %rd1;", "st.b32\t[%rd2], 0;"] },
        { "inline PTX that takes the address", ["prefetch.local.L1\t[%rd1];"] },
        { "the address is a value", ["st.global.b64\t[%rd9], %rd1;"] },
        { "a call", ["st.param.b64\t[param0], %rd1;"] },
        { "accesses that overlap", ["st.local.b64\t[%rd1], 0;", "ld.local.b32\t%r1, [%rd1+4];"] },
        { "two widths in one place", ["st.local.b64\t[%rd1], 0;", "ld.local.b32\t%r1, [%rd1];"] },
        { "a byte", ["st.local.b8\t[%rd1], %rs1;"] },
        { "a value that is widened", ["ld.local.u16\t%r1, [%rd1];"] },
        { "beyond the end", ["st.local.b32\t[%rd1+8], 0;"] },
        { "an address that one of two blocks sets", ["mov.b64\t%rd2, %rd1;", "L_1:", "st.local.b32\t[%rd2], 0;", "mov.b64\t%rd2, %rd7;"] },
        { "an address that may be set", ["mov.b64\t%rd2, %rd1;", "@%p1 mov.b64\t%rd2, %rd7;", "st.local.b32\t[%rd2], 0;"] },
        { "an address that may be taken", ["@%p1 mov.b64\t%rd2, %rd1;", "st.local.b32\t[%rd2], 0;"] },
        { "an address that is advanced by an unknown", ["mov.b64\t%rd2, %rd1;", "add.u64\t%rd2, %rd2, %rd3;", "st.local.b32\t[%rd2], 0;"] },
        { "an address that goes round a loop", ["mov.b64\t%rd2, %rd1;", "L_1:", "add.u64\t%rd2, %rd2, 4;", "st.local.b32\t[%rd2], 0;", "bra\tL_1;"] },
        { "two statements on a line", ["mov.b64\t%rd2, %rd1; st.local.b32 [%rd2], 0;"] },
    };

    [Theory]
    [MemberData(nameof(Unknown))]
    public void A_depot_stays_in_memory_where_an_access_is_not_known(string why, string[] body)
    {
        string[] all = [".local .align 8 .b8 __local_depot0[8];", "mov.b64\t%rd1, __local_depot0;", .. body];
        Assert.True(Module(all) == Promote(all), why);
    }

    [Fact]
    public void Functions_have_depots_of_their_own()
    {
        string one = Module(".local .align 4 .b8 __local_depot0[4];", "mov.b64\t%rd1, __local_depot0;", "st.local.b32\t[%rd1], 0;");
        string two = Module(".local .align 4 .b8 __local_depot0[4];", "mov.b64\t%rd1, __local_depot0;", "st.global.b64\t[%rd9], %rd1;");
        Assert.Equal(LocalDepots.Promote(one) + two, LocalDepots.Promote(one + two));
        Assert.DoesNotContain("local", LocalDepots.Promote(one), StringComparison.Ordinal);
    }
}
