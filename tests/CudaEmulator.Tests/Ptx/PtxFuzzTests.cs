using System.Text;
using FsCheck;
using FsCheck.Xunit;
using Handwritten.CudaEmulator.Ptx;
using Xunit;

namespace Handwritten.CudaEmulator.Tests.Ptx;

/// <summary>Real PTX, damaged: the front end answers with a module or with a <see cref="PtxException"/>, and soon.</summary>
public sealed class PtxFuzzTests
{
    // What ILGPU does not write.
    private const string Rarities = """
        .version 7.8
        .target sm_80, debug
        .address_size 64
        .file 1 "a.cu"
        .const .align 16 .v2 .f32 pairs[2][2] = { { {1.0, -2.5}, {0f3F800000, 0d3FF0000000000000} }, { {0.5, 1e3} } };
        .global .u64 pointers[] = { pairs, generic(pairs) + 4*2, (1 << 3 | ~5) ? 7 : 0x1F };
        .extern .shared .align 8 .b8 dynamic[];
        .extern .func (.param .b32 status) vprintf(.param .b64 format, .param .b64 arguments);
        .func (.reg .b32 sum) add(.reg .b32 a, .reg .b32 b) { add.s32 sum, a, b; ret; }
        .visible .entry kernel(.param .u64 .ptr .global .align 16 p, .param .align 4 .b8 q[12]) .maxntid 128, 2 .minnctapersm 2
        {
            .reg .pred %p<4>; .reg .b32 %r<8>; .reg .b64 %rd<4>; .reg .v4 .f32 v, w<3>;
            .pragma "nounroll";
            .loc 1 2 3, function_name $info, inlined_at 1 2 3
            { .param .b32 s; .param .b64 x; st.param.b64 [x+0], %rd1; call (s), vprintf, (x, x); }
            targets: .branchtargets A, B, A;
            @!%p1 brx.idx %r1, targets;
        A:  setp.lt.and.s32 %p1|_, %r1, -010, !%p2;
            shfl.sync.idx.b32 %r1|%p1, %r2, WARP_SZ, 31U, 0xFFFFFFFF;
            ld.global.v4.f32 {v.x, _, w1.g, w2.w}, [%rd1+-16];
            call (%r2), add, (%r3, 5);
            proto: .callprototype (.param .b32 _) _ (.param .b64 _);
            { .local .u32 spill; mov.u64 %rd2, spill+4; { .local .u32 spill; mov.u64 %rd2, spill; } }
        B:  @%p1 bra.uni A;
        }
        .section .debug_str { $info: .b8 65, 0 }
        """;

    private static readonly Lazy<string[]> Texts = new(() => [Rarities, .. OfflineCompiler.Usual.Values]);

    [Fact]
    public void The_rarities_are_sound() => PtxVerifier.Verify(PtxParser.Parse(Rarities), 80);

    [Property(MaxTest = 1500)]
    public void Damaged_bytes_are_refused_or_harmless(DoNotSize<int> seed)
    {
        Random random = new(seed.Item);
        byte[] bytes = Encoding.Latin1.GetBytes(Pick(random));
        for (int i = random.Next(1, 8); i > 0; i--)
        {
            bytes[random.Next(bytes.Length)] = (byte)random.Next(256);
        }

        int end = random.Next(4) == 0 ? random.Next(bytes.Length) : bytes.Length;
        Understand(Encoding.Latin1.GetString(bytes, 0, end));
    }

    [Property(MaxTest = 1500)]
    public void Damaged_tokens_are_refused_or_harmless(DoNotSize<int> seed)
    {
        Random random = new(seed.Item);
        List<string> tokens = Split(Pick(random));
        List<string> others = Split(Pick(random));
        for (int i = random.Next(1, 5); i > 0; i--)
        {
            int at = random.Next(tokens.Count);
            int other = random.Next(tokens.Count);
            switch (random.Next(5))
            {
                case 0:
                    tokens.RemoveAt(at);
                    break;
                case 1:
                    tokens.Insert(at, tokens[other]);
                    break;
                case 2:
                    (tokens[at], tokens[other]) = (tokens[other], tokens[at]);
                    break;
                case 3:
                    tokens[at] = others[random.Next(others.Count)];
                    break;
                default:
                    tokens.InsertRange(at, tokens.GetRange(other, Math.Min(tokens.Count - other, random.Next(40))));
                    break;
            }
        }

        Understand(string.Concat(tokens));
    }

    [Fact]
    public void Every_beginning_of_a_text_is_refused_or_sound()
    {
        int understood = 0;
        for (int end = 0; end <= Rarities.Length; end++)
        {
            understood += Understand(Rarities[..end]) ? 1 : 0;
        }

        // Only where a statement of the module ends.
        Assert.InRange(understood, 1, 80);
    }

    private static string Pick(Random random) => random.Next(3) == 0 ? Rarities : Texts.Value[random.Next(Texts.Value.Length)];

    /// <summary>Words, dotted words, blanks and single characters, which together are the text.</summary>
    private static List<string> Split(string text)
    {
        List<string> tokens = [];
        for (int i = 0; i < text.Length;)
        {
            int end = i + 1;
            while (end < text.Length && IsWord(text[end]) && (IsWord(text[i]) || text[i] is '.' or '%'))
            {
                end++;
            }

            tokens.Add(text[i..end]);
            i = end;
        }

        return tokens;

        static bool IsWord(char c) => char.IsAsciiLetterOrDigit(c) || c is '_' or '$';
    }

    /// <summary>Everything the front end does with a text; any other exception fails the test.</summary>
    private static bool Understand(string text)
    {
        try
        {
            PtxModule module = PtxParser.Parse(text);
            PtxVerifier.Verify(module, 80);
            return true;
        }
        catch (PtxException exception)
        {
            Assert.InRange(exception.Line, 0, text.Count(c => c == '\n') + 1);
            Assert.InRange(exception.Message.Length, 20, 400);
            return false;
        }
    }
}
