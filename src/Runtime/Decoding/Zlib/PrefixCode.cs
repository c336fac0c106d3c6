namespace Handwritten.Runtime.Decoding.Zlib;

/// <summary>
/// A Huffman code with a greatest length, as zlib makes it: of two trees that weigh the same the flatter one is taken first.
/// Source: zlib, trees.c, build_tree and gen_bitlen.
/// </summary>
internal sealed class PrefixCode
{
    private readonly int _symbols, _longest;
    private readonly int[] _fixed, _extra, _frequency, _depth, _parent, _length, _heap, _order, _ofLength;
    private int _heapLength, _first;

    /// <summary>Prepares.</summary>
    /// <param name="symbols">Symbols there are.</param>
    /// <param name="longest">Bits of the longest code.</param>
    /// <param name="fixedLength">Bits of a symbol in the code that is not made for a text.</param>
    /// <param name="extra">Bits that follow a symbol in any code.</param>
    public PrefixCode(int symbols, int longest, Func<int, int> fixedLength, Func<int, int> extra)
    {
        (_symbols, _longest) = (symbols, longest);
        _fixed = [.. Enumerable.Range(0, symbols).Select(fixedLength)];
        _extra = [.. Enumerable.Range(0, symbols).Select(extra)];
        int nodes = 2 * symbols;
        (_frequency, _depth, _parent, _length) = (new int[nodes], new int[nodes], new int[nodes], new int[nodes]);
        (_heap, _order, _ofLength) = (new int[symbols + 1], new int[nodes], new int[longest + 1]);
    }

    /// <summary>The symbols up to the last that has a code.</summary>
    public int Used { get; private set; }

    /// <summary>Bits of the text in the code that is made for it.</summary>
    public int Bits { get; private set; }

    /// <summary>Bits of the text in the fixed code.</summary>
    public int FixedBits { get; private set; }

    /// <summary>Bits of a symbol's code; 0 for one that does not occur.</summary>
    public int LengthOf(int symbol) => _length[symbol];

    /// <summary>Forgets the text.</summary>
    public void Clear()
    {
        Array.Clear(_frequency);
        Array.Clear(_length);
        (Bits, FixedBits) = (0, 0);
    }

    /// <summary>Adds a symbol of the text.</summary>
    public void Count(int symbol, int times = 1) => _frequency[symbol] += times;

    /// <summary>Makes the code.</summary>
    public void Build()
    {
        (_heapLength, _first, Used) = (0, _order.Length, 0);
        for (int symbol = 0; symbol < _symbols; symbol++)
        {
            if (_frequency[symbol] > 0)
            {
                Push(symbol);
            }
        }

        // Two codes at least, which some readers of the format want; those that do not occur cost nothing.
        while (_heapLength < 2)
        {
            int symbol = Used < 3 ? Used : 0;
            _frequency[symbol] = 1;
            Bits--;
            FixedBits -= _fixed[symbol];
            Push(symbol);
        }

        for (int i = _heapLength / 2; i >= 1; i--)
        {
            Sink(i);
        }

        Join();
        SetLengths();
    }

    private void Push(int symbol)
    {
        _heap[++_heapLength] = symbol;
        _depth[symbol] = 0;
        Used = Math.Max(Used, symbol + 1);
    }

    /// <summary>Joins the two lightest trees until one is left; the order in which they went stays, last first.</summary>
    private void Join()
    {
        for (int node = _symbols; _heapLength >= 2; node++)
        {
            int light = _heap[1];
            _heap[1] = _heap[_heapLength--];
            Sink(1);
            int other = _heap[1];
            _order[--_first] = light;
            _order[--_first] = other;
            _frequency[node] = _frequency[light] + _frequency[other];
            _depth[node] = Math.Max(_depth[light], _depth[other]) + 1;
            _parent[light] = _parent[other] = node;
            _heap[1] = node;
            Sink(1);
        }

        _order[--_first] = _heap[1];
    }

    private void SetLengths()
    {
        Array.Clear(_ofLength);
        int tooLong = 0;
        _length[_order[_first]] = 0;
        for (int i = _first + 1; i < _order.Length; i++)
        {
            int node = _order[i], length = _length[_parent[node]] + 1;
            if (length > _longest)
            {
                length = _longest;
                tooLong++;
            }

            _length[node] = length;
            if (node < _symbols)
            {
                _ofLength[length]++;
            }
        }

        if (tooLong > 0)
        {
            Shorten(tooLong);
        }

        for (int symbol = 0; symbol < Used; symbol++)
        {
            Bits += _frequency[symbol] * (_length[symbol] + _extra[symbol]);
            FixedBits += _frequency[symbol] * (_fixed[symbol] + _extra[symbol]);
        }
    }

    /// <summary>Hangs what lies too deep below leaves that lie higher, and gives the lightest symbols the longest codes.</summary>
    private void Shorten(int tooLong)
    {
        for (; tooLong > 0; tooLong -= 2)
        {
            int length = _longest - 1;
            while (_ofLength[length] == 0)
            {
                length--;
            }

            _ofLength[length]--;
            _ofLength[length + 1] += 2;
            _ofLength[_longest]--;
        }

        int place = _order.Length;
        for (int length = _longest; length > 0; length--)
        {
            for (int left = _ofLength[length]; left > 0;)
            {
                int node = _order[--place];
                if (node < _symbols)
                {
                    _length[node] = length;
                    left--;
                }
            }
        }
    }

    private void Sink(int place)
    {
        int node = _heap[place];
        for (int child = 2 * place; child <= _heapLength; child *= 2)
        {
            if (child < _heapLength && IsLighter(_heap[child + 1], _heap[child]))
            {
                child++;
            }

            if (IsLighter(node, _heap[child]))
            {
                break;
            }

            _heap[place] = _heap[child];
            place = child;
        }

        _heap[place] = node;
    }

    private bool IsLighter(int node, int other) =>
        _frequency[node] < _frequency[other] || (_frequency[node] == _frequency[other] && _depth[node] <= _depth[other]);
}
