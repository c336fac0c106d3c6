using System.Buffers.Binary;
using System.Text;
using FsCheck;
using FsCheck.Fluent;
using Handwritten.Kernels;

namespace Handwritten.Model.Tests.Safetensors;

/// <summary>A file that keeps to every rule, and what is in it.</summary>
public sealed record ValidFile(byte[] Bytes, IReadOnlyList<TensorInfo> Tensors, IReadOnlyDictionary<string, byte[]> Numbers)
{
    public override string ToString() => Encoding.Latin1.GetString(Bytes);
}

/// <summary>A file that was valid before something happened to it; by chance it may still be.</summary>
public sealed record DamagedFile(byte[] Bytes)
{
    public override string ToString() => Encoding.Latin1.GetString(Bytes);
}

/// <summary>A file with a well-formed header that says anything at all about its tensors.</summary>
public sealed record ClaimingFile(byte[] Bytes)
{
    public override string ToString() => Encoding.Latin1.GetString(Bytes);
}

/// <summary>FsCheck's generators of safetensors files.</summary>
public static class RandomFiles
{
    private static readonly string[] Names = ["a", "b", "model.encoder.conv1.weight", "", "quote \" \\ /", "line\nbreak", "é漢😀", "__metadata", "\u0001"];

    private static readonly string[] Numbers =
        ["0", "1", "2", "3", "4", "8", "-1", "-0", "1.0", "1e1", "2147483647", "2147483648", "9223372036854775807", "9223372036854775808", "18446744073709551616", "null", "[]", "\"1\""];

    private static readonly string[] Types = ["F64", "F32", "F16", "BF16", "I64", "I32", "I16", "I8", "U8", "BOOL", "U16", "F8_E4M3", "f32", ""];

    public static Arbitrary<ValidFile> Valid() => ValidFiles.ToArbitrary();

    public static Arbitrary<DamagedFile> Damaged() =>
        (from file in ValidFiles
         from edits in Edits.NonEmptyListOf()
         select new DamagedFile(edits.Take(3).Aggregate(file.Bytes, (bytes, edit) => edit(bytes)))).ToArbitrary();

    public static Arbitrary<ClaimingFile> Claiming() =>
        (from entries in Entry.ListOf()
         from data in Gen.Choose(0, 9)
         select new ClaimingFile(RawFile.Make(RawFile.Header([.. entries.Take(3)]), data))).ToArbitrary();

    private static Gen<ValidFile> ValidFiles =>
        from names in Gen.SubListOf(Names)
        from shapes in Gen.Choose(0, 3).ListOf(3).Select(list => list.ToArray()).ListOf(names.Count)
        from ranks in Gen.Choose(0, 3).ListOf(names.Count)
        from types in Gen.Elements(Enum.GetValues<DType>()).ListOf(names.Count)
        from order in Gen.Shuffle(Enumerable.Range(0, names.Count))
        from withMetadata in Gen.Elements(true, false)
        from padding in Gen.Choose(0, 9)
        from numbers in Gen.Choose(0, 255).Select(value => (byte)value).ArrayOf(9 * 27 * 8)
        select Build([.. names.Select((name, i) => new TensorInfo(name, types[i], shapes[i][..ranks[i]]))], order, withMetadata, padding, numbers);

    private static ValidFile Build(IReadOnlyList<TensorInfo> tensors, int[] order, bool withMetadata, int padding, byte[] numbers)
    {
        string[] entries = new string[tensors.Count];
        Dictionary<string, byte[]> numbersOf = [];
        int end = 0;
        foreach (int index in order)
        {
            TensorInfo tensor = tensors[index];
            int begin = end;
            end += (int)tensor.ByteCount;
            numbersOf[tensor.Name] = numbers[begin..end];
            string escaped = tensor.Name.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\"", "\\\"", StringComparison.Ordinal)
                .Replace("\n", "\\n", StringComparison.Ordinal).Replace("\u0001", "\\u0001", StringComparison.Ordinal);
            entries[index] = RawFile.Entry(escaped, tensor.Type.ToString().ToUpperInvariant(), $"[{string.Join(",", tensor.Shape)}]", begin, end);
        }

        string[] metadata = withMetadata ? ["\"__metadata__\":{\"format\":\"pt\",\"\\u00e9\":\"\"}"] : [];
        string header = RawFile.Header([.. metadata, .. entries]) + new string(' ', padding);
        return new ValidFile(RawFile.Make(Encoding.UTF8.GetBytes(header), numbers[..end]), tensors, numbersOf);
    }

    /// <summary>One thing that can happen to a file: on its way, on its disk, or in the hands of somebody clever.</summary>
    private static Gen<Func<byte[], byte[]>> Edits =>
        from kind in Gen.Choose(0, 7)
        from a in Gen.Choose(0, int.MaxValue - 1)
        from b in Gen.Choose(0, int.MaxValue - 1)
        from inHeader in Gen.Elements(true, true, false)
        from letter in Gen.Elements("\"{}[]:,0123456789eE.+-\\ud tfnFIUB\0\u00ff\u00c3".Select(c => (byte)c).ToArray())
        select (Func<byte[], byte[]>)(bytes =>
        {
            int limit = inHeader ? HeaderEnd(bytes) : bytes.Length;
            int at = limit == 0 ? 0 : a % limit;
            int count = Math.Min(b % 16, bytes.Length - at);
            return kind switch
            {
                0 => Replace(bytes, at, Math.Min(1, bytes.Length), bytes.Length == 0 ? [] : [(byte)(bytes[at] ^ (1 << (b % 8)))]),
                1 => Replace(bytes, at, Math.Min(1, bytes.Length), [letter]),
                2 => bytes[..at],
                3 => Replace(bytes, at, 0, [letter]),
                4 => Replace(bytes, at, count, []),
                5 => Replace(bytes, at, 0, bytes[at..(at + count)]),
                6 => WithHeaderLength(Replace(bytes, at, count, bytes[at..(at + count)].Concat(bytes[at..(at + count)]).ToArray()), HeaderEnd(bytes) - 8 + count),
                _ => ReplaceNumber(bytes, a, Numbers[b % Numbers.Length]),
            };
        });

    private static Gen<string> Entry =>
        from name in Gen.Elements("a", "b", "c", "\\u0061", "__metadata__", "\\ud83d\\ude00", "\\ud83d")
        from type in Gen.Frequency((8, Gen.Constant("U8")), (1, Gen.Constant("F16")), (1, Gen.Elements(Types)))
        from shape in Gen.Frequency((3, Gen.Elements("1", "2", "3")), (1, Gen.Elements(Numbers).NonEmptyListOf().Select(list => string.Join(",", list))))
        from begin in Gen.Frequency((5, Gen.Elements("0", "1", "2")), (1, Gen.Elements(Numbers)))
        from end in Gen.Frequency((5, Gen.Elements("1", "2", "3", "4")), (1, Gen.Elements(Numbers)))
        from members in Gen.Frequency((9, Gen.Constant(new[] { 0, 1, 2 })), (1, Gen.Elements(0, 1, 2, 3).ArrayOf()))
        let texts = new[] { $"\"dtype\":\"{type}\"", $"\"shape\":[{shape}]", $"\"data_offsets\":[{begin},{end}]", "\"x\":{}" }
        select $"\"{name}\":{{{string.Join(",", members.Select(member => texts[member]))}}}";

    private static int HeaderEnd(byte[] bytes) =>
        bytes.Length < 8 ? bytes.Length : (int)Math.Min((ulong)bytes.Length, 8 + (BinaryPrimitives.ReadUInt64LittleEndian(bytes) & 0xFFFF));

    private static byte[] Replace(byte[] bytes, int at, int count, byte[] by) => [.. bytes[..at], .. by, .. bytes[(at + count)..]];

    private static byte[] WithHeaderLength(byte[] bytes, int length) => bytes.Length < 8 ? bytes : [.. RawFile.Length((ulong)length), .. bytes[8..]];

    /// <summary>Puts another number in the place of one in the header and keeps the header's length right.</summary>
    private static byte[] ReplaceNumber(byte[] bytes, int which, string by)
    {
        int end = HeaderEnd(bytes);
        bool IsDigit(int i) => i < end && bytes[i] is >= (byte)'0' and <= (byte)'9';
        int[] starts = [.. Enumerable.Range(8, Math.Max(0, end - 8)).Where(i => IsDigit(i) && !IsDigit(i - 1))];
        if (starts.Length == 0)
        {
            return bytes;
        }

        int start = starts[which % starts.Length];
        int count = Enumerable.Range(1, 30).First(n => !IsDigit(start + n));
        return WithHeaderLength(Replace(bytes, start, count, Encoding.ASCII.GetBytes(by)), end - 8 - count + by.Length);
    }
}
