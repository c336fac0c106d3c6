using System.Globalization;
using System.Numerics;
using System.Runtime.InteropServices;
using System.Text;
using Handwritten.CudaEmulator.Device;
using Handwritten.CudaEmulator.Ptx;

namespace Handwritten.CudaEmulator.Execution;

/// <summary>
/// The functions that the device's runtime defines: vprintf writes to standard output, __assertfail ends the launch.
/// </summary>
internal static unsafe class SystemCalls
{
    private static readonly Lock Output = new();

    /// <summary>Emits a call of a function without a body.</summary>
    public static void Emit(Emitter e, string name, IReadOnlyList<PtxOperand> results, IReadOnlyList<PtxOperand> arguments)
    {
        Handler handler = name switch
        {
            "vprintf" => &Print,
            "__assertfail" => &Assert,
            _ => throw e.Error($"call of '{name}', which has no definition"),
        };
        if (arguments.Count != (name == "vprintf" ? 2 : 5))
        {
            throw e.Error($"'{name}' has not {arguments.Count} arguments");
        }

        // Arguments are .param variables of the caller, which live in local memory: offsets into it.
        int[] slots = [.. arguments.Concat(results).Select(o => o is PtxOperand.VariableAddress { Value: var variable }
            ? (int)e.Compiler.AddressOf(variable, e.Instruction.Line).Address
            : throw e.Mismatch())];
        e.Emit(handler, slots: slots);
    }

    private static Op* Print(Op* op, byte* f, Warp w, uint mask)
    {
        for (uint rest = mask; rest != 0; rest &= rest - 1)
        {
            int lane = BitOperations.TrailingZeroCount(rest);
            byte* local = w.Local + lane * w.LocalStride;
            string format = Text(op, w, lane, *(ulong*)(local + op->Slots[0]));
            string text = Format(op, w, lane, format, *(ulong*)(local + op->Slots[1]));
            if (op->Count > 2)
            {
                *(int*)(local + op->Slots[2]) = text.Length;
            }

            lock (Output)
            {
                Console.Out.Write(text);
            }
        }

        return op + 1;
    }

    // __assertfail(message, file, line, function, character size)
    private static Op* Assert(Op* op, byte* f, Warp w, uint mask)
    {
        if (mask == 0)
        {
            return op + 1;
        }

        int lane = BitOperations.TrailingZeroCount(mask);
        byte* local = w.Local + lane * w.LocalStride;
        string message = Text(op, w, lane, *(ulong*)(local + op->Slots[0]));
        string file = Text(op, w, lane, *(ulong*)(local + op->Slots[1]));
        int line = *(int*)(local + op->Slots[2]);
        string function = Text(op, w, lane, *(ulong*)(local + op->Slots[3]));
        throw w.Fault(op, lane, CudaResult.Assert, $"{file}:{line}: {function}: assertion '{message}' failed");
    }

    private static string Text(Op* op, Warp w, int lane, ulong address)
    {
        List<byte> bytes = [];
        for (ulong at = address; bytes.Count < 65536; at++)
        {
            byte value = *(byte*)Addressing.HostAddress(op, w, lane, at, 1, AddressWindow.Generic);
            if (value == 0)
            {
                break;
            }

            bytes.Add(value);
        }

        return Encoding.UTF8.GetString(CollectionsMarshal.AsSpan(bytes));
    }

    // C's format, with arguments behind each other in memory, each at its alignment of 4 or 8 bytes.
    private static string Format(Op* op, Warp w, int lane, string format, ulong arguments)
    {
        StringBuilder text = new();
        for (int i = 0; i < format.Length; i++)
        {
            if (format[i] != '%')
            {
                text.Append(format[i]);
                continue;
            }

            int start = ++i;
            while (i < format.Length && "-+ #0123456789.hlzjt".Contains(format[i]))
            {
                i++;
            }

            if (i == format.Length)
            {
                break;
            }

            if (format[i] == '%')
            {
                text.Append('%');
                continue;
            }

            string flags = format[start..i];
            bool isWide = "eEfFgGaAsp".Contains(format[i]) || flags.Contains('l') || flags.Contains('z') || flags.Contains('j') || flags.Contains('t');
            ulong size = isWide ? 8ul : 4ul;
            arguments = (arguments + size - 1) & ~(size - 1);
            ulong host = Addressing.HostAddress(op, w, lane, arguments, (int)size, AddressWindow.Generic);
            arguments += size;
            ulong bits = isWide ? *(ulong*)host : *(uint*)host;
            text.Append(Pad(Value(op, w, lane, format[i], flags, bits, isWide), flags));
        }

        return text.ToString();
    }

    private static string Value(Op* op, Warp w, int lane, char kind, string flags, ulong bits, bool isWide)
    {
        int dot = flags.IndexOf('.', StringComparison.Ordinal);
        int precision = dot >= 0 && int.TryParse(flags[(dot + 1)..].TrimEnd('h', 'l'), CultureInfo.InvariantCulture, out int digits) ? digits : 6;
        double real = BitConverter.UInt64BitsToDouble(bits);
        return kind switch
        {
            'd' or 'i' => (isWide ? (long)bits : (int)bits).ToString(CultureInfo.InvariantCulture),
            'u' => bits.ToString(CultureInfo.InvariantCulture),
            'x' => bits.ToString("x", CultureInfo.InvariantCulture),
            'X' => bits.ToString("X", CultureInfo.InvariantCulture),
            'o' => Convert.ToString((long)bits, 8),
            'c' => ((char)(byte)bits).ToString(),
            'p' => $"0x{bits:x}",
            's' => Text(op, w, lane, bits),
            'e' or 'E' => real.ToString($"0.{new string('0', precision)}{kind}+00", CultureInfo.InvariantCulture),
            'g' or 'G' => real.ToString($"G{Math.Max(1, precision)}", CultureInfo.InvariantCulture),
            _ => real.ToString($"F{precision}", CultureInfo.InvariantCulture),
        };
    }

    private static string Pad(string value, string flags)
    {
        bool isLeft = flags.Contains('-');
        string digits = new([.. flags.SkipWhile(c => "-+ #0".Contains(c)).TakeWhile(char.IsAsciiDigit)]);
        int width = digits.Length > 0 ? int.Parse(digits, CultureInfo.InvariantCulture) : 0;
        bool zeros = !isLeft && flags.StartsWith('0');
        return isLeft ? value.PadRight(width)
            : zeros && value.StartsWith('-') ? "-" + value[1..].PadLeft(width - 1, '0')
            : value.PadLeft(width, zeros ? '0' : ' ');
    }
}
