namespace Handwritten.CudaEmulator.Tests.Driver;

/// <summary>Small PTX texts.</summary>
internal static class SamplePtx
{
    /// <summary>
    /// add_one(int* x, int n): x[i] += 1. scale(byte factor, float* x): takes arguments of different alignment.
    /// stage(): 40 KB of shared memory. bounded(): .maxntid 128. exact(): .reqntid 64. And two variables.
    /// </summary>
    public const string Text = """
        .version 7.8
        .target sm_75
        .address_size 64
        .global .align 4 .b32 counter = 42;
        .const .align 8 .f64 table[4];

        .visible .entry add_one(.param .u64 x, .param .u32 n)
        {
            .reg .pred %p;
            .reg .b32 %r<6>;
            .reg .b64 %rd<3>;
            ld.param.u64 %rd0, [x];
            ld.param.u32 %r0, [n];
            mov.u32 %r1, %ctaid.x;
            mov.u32 %r2, %ntid.x;
            mov.u32 %r3, %tid.x;
            mad.lo.s32 %r4, %r1, %r2, %r3;
            setp.ge.s32 %p, %r4, %r0;
            @%p bra done;
            mul.wide.s32 %rd1, %r4, 4;
            add.s64 %rd2, %rd0, %rd1;
            ld.global.u32 %r5, [%rd2];
            add.s32 %r5, %r5, 1;
            st.global.u32 [%rd2], %r5;
        done:
            ret;
        }

        .visible .entry scale(.param .u8 factor, .param .u64 x)
        {
            .reg .b16 %h;
            .reg .b32 %r0;
            .reg .b64 %rd0;
            ld.param.u8 %h, [factor];
            cvt.u32.u16 %r0, %h;
            ld.param.u64 %rd0, [x];
            st.global.u32 [%rd0], %r0;
            ret;
        }

        .visible .entry stage()
        {
            .shared .align 16 .b8 buffer[40960];
            .reg .b32 %r;
            mov.u32 %r, 1;
            st.shared.u32 [buffer], %r;
            ret;
        }

        .visible .entry bounded()
        .maxntid 128
        {
            ret;
        }

        .visible .entry exact()
        .reqntid 64
        {
            ret;
        }
        """;
}
