using System.Runtime.InteropServices;
using Handwritten.CudaEmulator.Device;
using Handwritten.CudaEmulator.Driver;
using Xunit;

namespace Handwritten.CudaEmulator.Tests.Driver;

public sealed unsafe class JitLogTests
{
    private const int WallTime = 2, InfoBuffer = 3, InfoSize = 4, ErrorBuffer = 5, ErrorSize = 6, OptimizationLevel = 7;

    [Theory]
    [InlineData(100, "ptx, line 7", "ptx, line 7")]
    [InlineData(5, "ptx, line 7", "ptx,")]
    [InlineData(1, "ptx, line 7", "")]
    [InlineData(100, "", "")]
    public void A_log_is_written_as_far_as_it_fits(int size, string text, string expected)
    {
        byte* buffer = stackalloc byte[101];
        new Span<byte>(buffer, 101).Fill(0xcc);
        int* options = stackalloc int[] { OptimizationLevel, ErrorBuffer, ErrorSize };
        void** values = stackalloc void*[3];
        values[0] = (void*)4;
        values[1] = buffer;
        values[2] = (void*)size;
        new JitLog(3, options, values).Write("", text, TimeSpan.Zero);
        Assert.Equal(expected, Marshal.PtrToStringUTF8((nint)buffer));
        Assert.Equal(expected.Length, (nint)values[2]);
        Assert.Equal(0xcc, buffer[size]);
    }

    [Fact]
    public void Information_and_time_go_where_they_are_wanted()
    {
        byte* buffer = stackalloc byte[10];
        int* options = stackalloc int[] { InfoSize, InfoBuffer, WallTime };
        void** values = stackalloc void*[3];
        values[0] = (void*)10;
        values[1] = buffer;
        values[2] = null;
        new JitLog(3, options, values).Write("hello", "error", TimeSpan.FromMilliseconds(1.5));
        Assert.Equal("hello", Marshal.PtrToStringUTF8((nint)buffer));
        Assert.Equal(5, (nint)values[0]);
        Assert.Equal(1.5f, *(float*)&values[2]);
    }

    [Fact]
    public void No_options_are_fine_and_half_of_them_are_not()
    {
        new JitLog(0, null, null).Write("info", "error", TimeSpan.Zero);
        Assert.Equal(CudaResult.InvalidValue, Assert.Throws<CudaException>(() => new JitLog(1, null, null)).Result);
        Assert.Equal(CudaResult.InvalidValue, Assert.Throws<CudaException>(WithoutSize).Result);

        static void WithoutSize()
        {
            int option = ErrorBuffer;
            void* value = &option;
            _ = new JitLog(1, &option, &value);
        }
    }

    [Fact]
    public void No_buffer_takes_no_text()
    {
        int option = ErrorSize;
        void* value = (void*)100;
        new JitLog(1, &option, &value).Write("", "error", TimeSpan.Zero);
        Assert.Equal(0, (nint)value);
    }
}
