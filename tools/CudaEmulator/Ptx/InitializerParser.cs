using System.Buffers.Binary;
using System.Runtime.InteropServices;

namespace Handwritten.CudaEmulator.Ptx;

/// <summary>
/// Reads a variable's initial value into bytes. An inner pair of braces fills one row, whose missing elements are zeros:
///
///     .global .u16 a[2][3] = { {1, 2}, {3} };      ->  01 00 02 00 00 00  03 00 …
///     .global .u64 p = generic(a) + 6;             ->  eight bytes still open: a relocation
/// </summary>
internal sealed class InitializerParser(TokenReader tokens, Scope module)
{
    // Of all initial values of a module; a row may be far longer than what is written for it.
    private const long MostBytes = 64 << 20;

    private List<byte> _bytes = [];
    private List<PtxRelocation> _relocations = [];
    private long _total;

    /// <summary>Reads what follows the equals sign.</summary>
    /// <param name="type">Type of an element.</param>
    /// <param name="components">2 or 4 if the elements are vectors, which are rows of their own.</param>
    /// <param name="dimensions">Extents of the array, the first 0 if it is open; empty for a scalar.</param>
    /// <returns>The bytes written, the addresses to fill in, and the bytes of an array whose size the values give.</returns>
    public (byte[] Bytes, List<PtxRelocation> Relocations, long Extent) Parse(PtxType type, int components, List<long> dimensions)
    {
        _bytes = [];
        _relocations = [];
        int line = tokens.Line;

        // Bytes of what one pair of braces holds at each depth; the last is a single element.
        List<long> strides = [type.ByteSize()];
        IEnumerable<long> extents = components > 1 ? dimensions.Append(components) : dimensions;
        foreach (long extent in extents.Reverse())
        {
            strides.Insert(0, strides[0] * (extent == 0 ? 1 : extent));
        }

        bool isOpen = dimensions is [0, ..];
        long end = isOpen ? MostBytes : strides[0];
        Stack<long> rowEnds = [];
        long position = 0;
        if (strides.Count == 1)
        {
            Element(type, position);
            position = strides[0];
        }
        else
        {
            tokens.Expect("{");
            rowEnds.Push(end);
        }

        bool wantsValue = true;
        while (rowEnds.Count > 0)
        {
            if (!wantsValue && tokens.Accept("}"))
            {
                // The outermost pair keeps an open array's length; every other one completes its row.
                long rowEnd = rowEnds.Pop();
                position = rowEnds.Count == 0 && isOpen ? position : rowEnd;
                wantsValue = false;
                continue;
            }

            if (!wantsValue)
            {
                tokens.Expect(",");
            }

            wantsValue = true;
            if (tokens.Accept("{"))
            {
                int depth = rowEnds.Count;
                if (depth >= strides.Count - 1 || position + strides[depth] > rowEnds.Peek())
                {
                    throw new PtxException(tokens.Line, "the initial value has more braces or rows than the array");
                }

                rowEnds.Push(position + strides[depth]);
                continue;
            }

            if (position + strides[^1] > rowEnds.Peek())
            {
                throw new PtxException(tokens.Line, "the initial value has more elements than the array");
            }

            Element(type, position);
            position += strides[^1];
            wantsValue = false;
        }

        _total += _bytes.Count;
        return _total <= MostBytes
            ? (_bytes.ToArray(), _relocations, position)
            : throw new PtxException(line, $"the module's initial values are longer than {MostBytes >> 20} MiB");
    }

    private void Element(PtxType type, long position)
    {
        int line = tokens.Line;
        int size = type.ByteSize();
        if (position + size > MostBytes)
        {
            throw new PtxException(line, $"the module's initial values are longer than {MostBytes >> 20} MiB");
        }

        if (tokens.Current is { Kind: TokenKind.Identifier, Text: not "WARP_SZ" })
        {
            _relocations.Add(AddressOf(type, (int)position));
            return;
        }

        CollectionsMarshal.SetCount(_bytes, (int)Math.Max(_bytes.Count, position + size));
        Span<byte> target = CollectionsMarshal.AsSpan(_bytes).Slice((int)position, size);
        PtxOperand.Immediate value = ConstantExpression.Parse(tokens).ToOperand();
        Span<byte> scratch = stackalloc byte[16];
        scratch.Clear();
        if (!value.IsFloat)
        {
            if (type.IsFloat())
            {
                throw new PtxException(line, $"the initial value of a .{type.Name()} variable is written as a floating-point number");
            }

            BinaryPrimitives.WriteUInt64LittleEndian(scratch, value.Bits);
        }
        else if (type is PtxType.F64 or PtxType.B64)
        {
            BinaryPrimitives.WriteDoubleLittleEndian(scratch, value.ToDouble());
        }
        else if (type is PtxType.F32 or PtxType.B32)
        {
            BinaryPrimitives.WriteSingleLittleEndian(scratch, value.ToSingle());
        }
        else
        {
            throw new PtxException(line, $"a .{type.Name()} variable cannot be given a floating-point number");
        }

        scratch[..size].CopyTo(target);
    }

    /// <summary>symbol, symbol + 4, generic(symbol) + 4.</summary>
    private PtxRelocation AddressOf(PtxType type, int position)
    {
        int line = tokens.Line;
        string name = tokens.ExpectName("a variable");
        bool isGeneric = name == "generic" && tokens.Accept("(");
        if (isGeneric)
        {
            name = tokens.ExpectName("a variable");
            tokens.Expect(")");
        }

        if (module.Find(name, null) is not PtxOperand.VariableAddress { Value: var symbol })
        {
            throw new PtxException(line, $"the initial value '{name}' is not a variable; only constants and addresses of variables are supported");
        }

        if (type.ByteSize() is not (4 or 8) || type.IsFloat())
        {
            throw new PtxException(line, $"a .{type.Name()} variable cannot hold the address of '{name}'");
        }

        long addend = tokens.At("+") ? ConstantExpression.ParseInteger(tokens) : 0;
        return new(position, type.ByteSize(), symbol, addend, isGeneric);
    }
}
