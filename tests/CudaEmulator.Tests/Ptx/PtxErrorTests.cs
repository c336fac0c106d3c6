using Handwritten.CudaEmulator.Ptx;
using Xunit;

namespace Handwritten.CudaEmulator.Tests.Ptx;

public sealed class PtxErrorTests
{
    [Theory]
    [InlineData("", 1, "expected .version")]
    [InlineData(".target sm_80", 1, "expected .version")]
    [InlineData(".version 7\n.target sm_80", 1, "a version such as 7.8")]
    [InlineData(".version 10.25\n.target sm_80", 1, "not a version")]
    [InlineData(".version 7.8\n.target compute_80", 2, "'compute_80'")]
    [InlineData(".version 7.8\n.target sm_", 2, "'sm_'")]
    [InlineData(".version 7.8\n.target sm_80, sm_90", 2, "'sm_90'")]
    [InlineData(".version 7.8\n.target debug", 2, "no architecture")]
    [InlineData(".version 7.8\n.target sm_80\n.address_size 32", 3, "64 bits")]
    public void What_stands_at_the_top_must_be_right(string text, int line, string reason) => Refused(text, line, reason);

    [Theory]
    [InlineData("hello", "expected a directive")]
    [InlineData(".entry", "the name of a function")]
    [InlineData(".entry k(.reg .u32 x) { }", "expected .param, found '.reg'")]
    [InlineData(".entry k(.param .b8 x[]) { }", "needs a size")]
    [InlineData(".entry k(.param .u32 x, .param .u32 x) { }", "duplicate definition of 'x'")]
    [InlineData(".entry k() { } .entry k() { }", "duplicate definition of 'k'")]
    [InlineData(".func k(.param .u32 x); .func k(.param .u64 x) { }", "duplicate definition of 'k'")]
    [InlineData(".global .u32 k; .entry k() { }", "duplicate definition of 'k'")]
    [InlineData(".entry k() .maxntid 0 { }", "0 threads")]
    [InlineData(".entry k() .maxntid 65536, 65536, 65536 { }", "threads in a block are impossible")]
    [InlineData(".entry k() .reqntid 5 .maxntid 5 { }", "not together")]
    [InlineData(".entry k() .cluster 5 { }", "'.cluster'")]
    [InlineData(".entry k() { ret;", "not closed")]
    [InlineData(".entry k() { } }", "found '}'")]
    [InlineData(".local .u32 x;", "expected a directive")]
    [InlineData(".global x;", "the type of a variable")]
    [InlineData(".global .pred x;", "cannot lie in memory")]
    [InlineData(".global .bf16 x;", "'.bf16'")]
    [InlineData(".global .u32 .f32 x;", "'.f32'")]
    [InlineData(".global .align 3 .u32 x;", "power of two")]
    [InlineData(".global .align 99999999999 .u32 x;", "the alignment")]
    [InlineData(".global .v4 .f64 x;", "128 bits")]
    [InlineData(".global .u32 x[];", "needs a size")]
    [InlineData(".global .u32 x[0];", "needs a size")]
    [InlineData(".global .u32 x[-1];", "impossible size")]
    [InlineData(".global .u32 x[65536][65536];", "impossible size")]
    [InlineData(".global .f64 x[2147483647];", "larger than 2 GiB")]
    [InlineData(".global .u32 x, x;", "duplicate definition of 'x'")]
    [InlineData(".shared .u32 x = 1;", "cannot have an initial value")]
    [InlineData(".global .u32 x = y;", "'y' is not a variable")]
    [InlineData(".global .u32 x = 1.0;", "floating-point")]
    [InlineData(".global .f32 x = 1;", "floating-point")]
    [InlineData(".global .u8 y; .global .u8 x = y;", "cannot hold the address")]
    [InlineData(".global .u32 x = {1};", "expected a constant")]
    [InlineData(".global .u32 x[2] = {1, 2, 3};", "more elements")]
    [InlineData(".global .u32 x[2] = {{1}, {2}};", "more braces")]
    [InlineData(".global .u32 x[2] = {1, };", "expected a constant")]
    [InlineData(".global .u32 x[2] = {1", "expected ','")]
    [InlineData(".global .u8 x[2][2000000000] = {{1}, {1}};", "impossible size")]
    [InlineData(".global .u8 x[2][1000000000] = {{1}, {1}};", "64 MiB")]
    [InlineData(".global .texref x;", "'.texref'")]
    [InlineData(".section .debug {", "has no end")]
    [InlineData(".section .debug;", "a section's '{'")]
    [InlineData(".file one", "the number of a file")]
    [InlineData("/* open", "has no end")]
    [InlineData(".file 1 \"open\n\"", "string")]
    [InlineData("\u00e9", "U+00E9")]
    [InlineData("#", "'#'")]
    public void What_stands_in_a_module_must_be_right(string text, string reason) => Refused(PtxParserTests.Header + text, 4, reason);

    [Theory]
    [InlineData("add.s32 %r1, %r2", "expected ';'")]
    [InlineData("add.s32 %r1 %r2;", "expected ';'")]
    [InlineData("add.s32 %r1, ;", "an operand")]
    [InlineData("add.s32 %r1, %q1, 2;", "'%q1' is not declared")]
    [InlineData("add.s32 %r1, %r9, 2;", "'%r9' is not declared")]
    [InlineData("add.s32 %r1, %r01, 2;", "'%r01' is not declared")]
    [InlineData("bra NOWHERE;", "'NOWHERE' is not declared")]
    [InlineData("{ INNER: ret; } bra INNER;", "'INNER' is not declared")]
    [InlineData("L: L: ret;", "duplicate definition of 'L'")]
    [InlineData("add.s32 x, x, x; .reg .b32 x;", "before its declaration")]
    [InlineData(".reg .b32 x, x;", "duplicate definition of 'x'")]
    [InlineData(".reg .b32 %r5;", "duplicate definition of '%r5'")]
    [InlineData(".reg .b32 y5; .reg .b32 y<6>;", "duplicate definition")]
    [InlineData(".reg .b32 y<4>; .reg .b32 y<6>;", "duplicate definition")]
    [InlineData(".reg .b32 y<999999999>;", "the number of registers")]
    [InlineData(".reg .bf16 x;", "'.bf16'")]
    [InlineData(".reg .v4 .f64 x;", "128 bits")]
    [InlineData(".reg x;", "the type of a register")]
    [InlineData(".reg .b32 x[4];", "expected ';'")]
    [InlineData("@ ret;", "a register is expected")]
    [InlineData("@5 ret;", "an operand")]
    [InlineData("@table ret;", "a register is expected")]
    [InlineData("@%p1 { ret; }", "an instruction")]
    [InlineData("mov.u32 %r1, %tid.q;", "no component '.q'")]
    [InlineData("mov.f32 %f1, %v.q;", "no component '.q'")]
    [InlineData("mov.u32 %r1, %nothing;", "'%nothing' is not declared")]
    [InlineData("ld.global.u32 %r1, [%rd1;", "expected ']'")]
    [InlineData("ld.global.u32 %r1, [%rd1-4];", "expected ']'")]
    [InlineData("tex.1d.v4.f32.s32 %v, [%rd1, {%r1}];", "coordinates")]
    [InlineData("ld.global.u32 %r1, [];", "expected a constant")]
    [InlineData("ld.global.u32 %r1, [1.0];", "an integer constant")]
    [InlineData("ld.global.u32 %r1, [where];", "'where' is not declared")]
    [InlineData("ld.global.u32 %r1, [%tid.x];", "cannot be an address")]
    [InlineData("ld.global.u32 %r1, table[4];", "name+4")]
    [InlineData("ld.global.v2.u32 {%r1, {%r2}}, [%rd1];", "an operand")]
    [InlineData("ld.global.v2.u32 {%r1, %v}, [%rd1];", "a vector cannot be an element")]
    [InlineData("ld.global.v2.u32 {}, [%rd1];", "an operand")]
    [InlineData("setp.eq.u32 %p1|5, %r1, %r2;", "an operand")]
    [InlineData("setp.eq.u32 %p1|table, %r1, %r2;", "behind '|'")]
    [InlineData("and.pred %p1, !table, %p2;", "a register is expected")]
    [InlineData("call nobody;", "'nobody', which is not declared")]
    [InlineData("call table;", "names a function")]
    [InlineData("call (%r1) callee;", "expected ','")]
    [InlineData("call callee, (nothing);", "'nothing' is not declared")]
    [InlineData("mov.u32 %r1, 1 / 0;", "divided by zero")]
    [InlineData("mov.u32 %r1, 1 % (2 - 2);", "divided by zero")]
    [InlineData("mov.u32 %r1, (.s32) 5;", ".s64 and .u64")]
    [InlineData("mov.u32 %r1, 1 ? 2;", "expected ':'")]
    [InlineData("mov.f32 %f1, -0f3F800000;", "takes no sign")]
    [InlineData("mov.f32 %f1, 1.0 + 2.0;", "floating-point")]
    [InlineData("mov.f32 %f1, ~1.0;", "floating-point")]
    [InlineData("mov.f32 %f1, 0f3F80000;", "'0f3F80000'")]
    [InlineData("mov.u32 %r1, 08;", "'08'")]
    [InlineData("mov.u32 %r1, 0x;", "'0x'")]
    [InlineData("mov.u32 %r1, 5u;", "'5u'")]
    [InlineData("mov.u32 %r1, 99999999999999999999;", "'99999999999999999999'")]
    [InlineData(";", "an instruction")]
    [InlineData(".loc 1 2;", "a source file, line or column")]
    [InlineData(".pragma \"x\"", "has no end")]
    [InlineData("targets: .branchtargets ;", "a label")]
    [InlineData("targets: .branchtargets A, B; ret; A: ret;", "'B' is not declared")]
    public void What_stands_in_a_body_must_be_right(string body, string reason)
    {
        PtxException exception = Assert.Throws<PtxException>(() => PtxParserTests.Body(body));
        Assert.Contains(reason, exception.Message, StringComparison.Ordinal);
        Assert.InRange(exception.Line, 17, 18);
    }

    [Theory]
    [InlineData("(")]
    [InlineData("-")]
    [InlineData("1 ? ")]
    [InlineData("1 + (")]
    public void Endless_nesting_of_expressions_is_refused(string opening)
    {
        string expression = string.Concat(Enumerable.Repeat(opening, 100_000));
        PtxException exception = Assert.Throws<PtxException>(() => PtxParserTests.Body($"mov.u32 %r1, {expression}"));
        Assert.Contains("deep", exception.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_word_of_absurd_length_is_refused() =>
        Refused(PtxParserTests.Header + new string('x', 5000), 4, "5000 characters");

    private static void Refused(string text, int line, string reason)
    {
        PtxException exception = Assert.Throws<PtxException>(() => PtxParser.Parse(text));
        Assert.Contains(reason, exception.Message, StringComparison.Ordinal);
        Assert.InRange(exception.Line, line, line + 1);
    }
}
