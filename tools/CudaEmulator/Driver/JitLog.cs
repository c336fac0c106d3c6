using System.Text;
using Handwritten.CudaEmulator.Device;

namespace Handwritten.CudaEmulator.Driver;

/// <summary>
/// The options of cuModuleLoadDataEx: two arrays side by side, of numbers and of values, where a value is a pointer or, in a
/// pointer's place, a number. A log takes two options: a buffer to write to and the buffer's size, which on return is the
/// number of bytes written. All options are taken; those about code generation have nothing to act on.
/// </summary>
internal sealed unsafe class JitLog
{
    private const int WallTime = 2, InfoBuffer = 3, InfoSize = 4, ErrorBuffer = 5, ErrorSize = 6;

    private readonly int _count;
    private readonly int* _options;
    private readonly void** _values;

    /// <exception cref="CudaException">InvalidValue: an array is missing, or a buffer comes without its size.</exception>
    public JitLog(uint count, int* options, void** values)
    {
        CudaException.Require(count == 0 || (options != null && values != null), CudaResult.InvalidValue, $"{count} options, but no arrays of them.");
        _count = (int)count;
        _options = options;
        _values = values;
        Require(InfoBuffer, InfoSize);
        Require(ErrorBuffer, ErrorSize);

        void Require(int buffer, int size) => CudaException.Require(Find(buffer) == null || Find(size) != null, CudaResult.InvalidValue,
            $"JIT option {buffer}, a log buffer, needs option {size}, its size.");
    }

    /// <summary>Writes what became of a load.</summary>
    /// <param name="info">Remarks.</param>
    /// <param name="error">What is wrong; empty if nothing is.</param>
    /// <param name="time">How long it took.</param>
    public void Write(string info, string error, TimeSpan time)
    {
        Write(InfoBuffer, InfoSize, info);
        Write(ErrorBuffer, ErrorSize, error);
        if (Find(WallTime) is var wallTime && wallTime != null)
            *(float*)wallTime = (float)time.TotalMilliseconds;
    }

    private void Write(int bufferOption, int sizeOption, string text)
    {
        void** size = Find(sizeOption);
        if (size == null)
            return;
        void** buffer = Find(bufferOption);
        uint capacity = (uint)(nuint)(*size);
        uint written = 0;
        if (buffer != null && *buffer != null && capacity > 0)
        {
            ReadOnlySpan<byte> bytes = Encoding.UTF8.GetBytes(text);
            bytes = bytes[..Math.Min(bytes.Length, (int)Math.Min(capacity - 1, int.MaxValue))];
            bytes.CopyTo(new Span<byte>(*buffer, bytes.Length));
            ((byte*)*buffer)[bytes.Length] = 0;
            written = (uint)bytes.Length;
        }
        *size = (void*)(nuint)written;
    }

    private void** Find(int option)
    {
        for (int i = 0; i < _count; i++)
        {
            if (_options[i] == option)
                return _values + i;
        }
        return null;
    }
}
