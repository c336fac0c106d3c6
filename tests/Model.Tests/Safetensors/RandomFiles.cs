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

/// <summary>An index of shards that was valid before something happened to it.</summary>
public sealed record DamagedIndex(byte[] Bytes)
{
    public override string ToString() => Encoding.Latin1.GetString(Bytes);
}

/// <summary>FsCheck's generators of safetensors files.</summary>
public static class RandomFiles
{
    private static readonly string[] Names = ["a", "b", "model.encoder.conv1.weight", "", "quote \" \\ /", "line\nbreak", "é漢😀", "__metadata", "\u0001"];

    private static readonly string[] Numbers =
        ["0", "1", "2", "3", "4", "8", "-1", "-0", "1.0", "1e1", "2147483647", "2147483648", "9223372036854775807", "9223372036854775808", "18446744073709551616",
        "null", "[]", "\"1\""];

    private static readonly string[] Types = ["F64", "F32", "F16", "BF16", "I64", "I32", "I16", "I8", "U8", "BOOL", "U16", "F8_E4M3", "f32", ""];

    public static Arbitrary<ValidFile> Valid() => ValidFiles.ToArbitrary();

    public static Arbitrary<DamagedFile> Damaged() =>
        (from file in ValidFiles
         from count in Gen.Elements(1, 1, 1, 2, 3)
         from edits in Edits.ListOf(count)
         select new DamagedFile(edits.Aggregate(file.Bytes, (bytes, edit) => edit(bytes)))).ToArbitrary();

    public static Arbitrary<DamagedIndex> DamagedIndices() =>
        (from count in Gen.Elements(1, 1, 2)
         from edits in Edits.ListOf(count)
         select new DamagedIndex(edits.Aggregate(
            """{"metadata":{"total_size":3},"weight_map":{"a":"1.safetensors","b":"1.safetensors","c":"2.safetensors"}}"""u8.ToArray(),
            (bytes, edit) => edit(bytes)))).ToArbitrary();

    public static Arbitrary<ClaimingFile> Claiming() =>
        (from count in Gen.Choose(0, 3)
         from claims in Claims.ListOf(count)
         from excess in Gen.Frequency((9, Gen.Constant(0)), (1, Gen.Choose(-2, 2)))
         select Lay([.. claims], excess)).ToArbitrary();

    private static Gen<ValidFile> ValidFiles =>
        from names in Gen.SubListOf(Names)
        from shapes in Gen.Choose(0, 3).ListOf(3).Select(list => list.ToArray()).ListOf(names.Count)
        from ranks in Gen.Choose(0, 3).ListOf(names.Count)
        from types in Gen.Elements(Enum.GetValues<DType>()).ListOf(names.Count)
        from order in Gen.Shuffle(Enumerable.Range(0, names.Count))
        from withMetadata in Gen.Elements(true, false)
        from padding in Gen.Choose(0, 9)
        from seed in Gen.Choose(0, int.MaxValue - 1)
        select Build([.. names.Select((name, i) => new TensorInfo(name, types[i], shapes[i][..ranks[i]]))], order, withMetadata, padding, seed);

    private static ValidFile Build(IReadOnlyList<TensorInfo> tensors, int[] order, bool withMetadata, int padding, int seed)
    {
        byte[] numbers = new byte[tensors.Sum(tensor => tensor.ByteCount)];
        new Random(seed).NextBytes(numbers);
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
        return new ValidFile(RawFile.Make(Encoding.UTF8.GetBytes(header), numbers), tensors, numbersOf);
    }

    /// <summary>One thing that can happen to a file: on its way, on its disk, or in the hands of somebody clever.</summary>
    private static Gen<Func<byte[], byte[]>> Edits =>
        from kind in Gen.Choose(0, 7)
        from a in Gen.Choose(0, int.MaxValue - 1)
        from b in Gen.Choose(0, int.MaxValue - 1)
        from inHeader in Gen.Elements(true, false)
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

    /// <summary>
    /// What a header says about a tensor of <paramref name="Length"/> bytes: mostly the truth, else offsets that are
    /// shifted, other types and shapes, members twice or not at all.
    /// </summary>
    private sealed record Claim(string Name, int Length, string Type, string? Shape, int BeginShift, int EndShift, int[] Members);

    private static Gen<Claim> Claims =>
        from name in Gen.Elements("a", "b", "c", "d", "\\u0061", "\\ud83d\\ude00", "\\ud83d", "__metadata__")
        from length in Gen.Choose(0, 3)
        from type in Gen.Frequency((19, Gen.Constant("U8")), (1, Gen.Elements(Types)))
        from shape in Gen.Frequency((9, Gen.Constant((string?)null)), (1, Gen.Elements(Numbers).NonEmptyListOf().Select(list => (string?)string.Join(",", list))))
        from beginShift in Gen.Frequency((9, Gen.Constant(0)), (1, Gen.Choose(-3, 3)))
        from endShift in Gen.Frequency((19, Gen.Constant(0)), (1, Gen.Choose(-3, 3)))
        from members in Gen.Frequency((19, Gen.Constant(new[] { 0, 1, 2 })), (1, Gen.Elements(0, 1, 2, 3).ArrayOf()))
        select new Claim(name, length, type, shape, beginShift, beginShift + endShift, members);

    private static ClaimingFile Lay(IReadOnlyList<Claim> claims, int excess)
    {
        List<string> entries = [];
        int end = 0;
        foreach (Claim claim in claims)
        {
            int begin = end;
            end += claim.Length;
            string[] members =
            [
                $"\"dtype\":\"{claim.Type}\"",
                $"\"shape\":[{claim.Shape ?? $"{claim.Length}"}]",
                $"\"data_offsets\":[{begin + claim.BeginShift},{end + claim.EndShift}]",
                "\"x\":{}",
            ];
            entries.Add($"\"{claim.Name}\":{{{string.Join(",", claim.Members.Select(member => members[member]))}}}");
        }

        return new ClaimingFile(RawFile.Make(RawFile.Header([.. entries]), Math.Max(0, end + excess)));
    }

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
