namespace Handwritten.CudaEmulator.Ptx;

/// <summary>
/// The names that a pair of braces holds. A name means an operand: a register, a variable's address, a function, a label.
/// Scopes nest, and an inner name hides an outer one:
///
///     module { .global a;   entry { .reg %r&lt;4&gt;;  L:   { .reg %r&lt;2&gt;;  ... } } }
///
/// A register comes into being when the text first uses it, and a range of registers is kept as a range, so that
/// .reg .b32 %r&lt;100000&gt; costs nothing.
/// </summary>
internal sealed class Scope(Scope? parent)
{
    private readonly Dictionary<string, PtxOperand> _names = new(StringComparer.Ordinal);
    private Dictionary<string, RegisterRange>? _ranges;

    // For each declared name that a range could also give (%r12 is 12 of %r and 2 of %r1): the smallest such number.
    private Dictionary<string, int>? _numbered;

    private readonly record struct RegisterRange(int Count, PtxType Type, int Components);

    /// <summary>A register that was declared and not yet used.</summary>
    private sealed record Unused(PtxType Type, int Components) : PtxOperand;

    /// <summary>Makes a name known.</summary>
    public void Declare(string name, PtxOperand meaning, int line)
    {
        if (FindInRanges(name) is not null || !_names.TryAdd(name, meaning))
        {
            throw new PtxException(line, $"duplicate definition of '{name}'");
        }

        foreach ((string prefix, int number) in Splits(name))
        {
            _numbered ??= new(StringComparer.Ordinal);
            _numbered[prefix] = Math.Min(number, _numbered.GetValueOrDefault(prefix, int.MaxValue));
        }
    }

    /// <summary>Makes the name of a register, or of a vector of them, known.</summary>
    public void DeclareRegister(string name, PtxType type, int components, int line) =>
        Declare(name, new Unused(type, components), line);

    /// <summary>Gives a name another meaning.</summary>
    public void Replace(string name, PtxOperand meaning) => _names[name] = meaning;

    /// <summary>Makes prefix0 to prefix(count - 1) known as registers.</summary>
    public void DeclareRange(string prefix, int count, PtxType type, int components, int line)
    {
        _ranges ??= new(StringComparer.Ordinal);
        bool isTaken = _numbered is not null && _numbered.GetValueOrDefault(prefix, int.MaxValue) < count;
        if (isTaken || !_ranges.TryAdd(prefix, new(count, type, components)))
        {
            throw new PtxException(line, $"duplicate definition of a register of '{prefix}<{count}>'");
        }
    }

    /// <summary>What a name means here; null if nothing.</summary>
    /// <param name="name">The name.</param>
    /// <param name="registers">Where a register of a range is made when it is first used.</param>
    public PtxOperand? Find(string name, RegisterFile? registers)
    {
        for (Scope? scope = this; scope is not null; scope = scope.Parent)
        {
            PtxOperand? meaning = scope.FindHere(name, registers);
            if (meaning is not null)
            {
                return meaning;
            }
        }

        return null;
    }

    /// <summary>The scope around this one.</summary>
    public Scope? Parent { get; } = parent;

    private PtxOperand? FindHere(string name, RegisterFile? registers)
    {
        bool isKnown = _names.TryGetValue(name, out PtxOperand? meaning);
        if (registers is null || (isKnown && meaning is not Unused))
        {
            return meaning;
        }

        Unused? register = meaning as Unused ?? FindInRanges(name);
        return register is null ? null : _names[name] = registers.Create(name, register.Type, register.Components);
    }

    private Unused? FindInRanges(string name)
    {
        if (_ranges is not null)
        {
            foreach ((string prefix, int number) in Splits(name))
            {
                if (_ranges.TryGetValue(prefix, out RegisterRange range) && number < range.Count)
                {
                    return new(range.Type, range.Components);
                }
            }
        }

        return null;
    }

    /// <summary>All ways to read a name as a prefix and a number without leading zeros.</summary>
    private static IEnumerable<(string Prefix, int Number)> Splits(string name)
    {
        int first = name.Length;
        while (first > 0 && name.Length - first < 9 && char.IsAsciiDigit(name[first - 1]))
        {
            first--;
            if (name[first] != '0' || first == name.Length - 1)
            {
                yield return (name[..first], int.Parse(name.AsSpan(first), System.Globalization.CultureInfo.InvariantCulture));
            }
        }
    }
}

/// <summary>The registers that a function has so far.</summary>
internal sealed class RegisterFile
{
    private readonly List<PtxRegister> _all = [];

    /// <summary>All, by index.</summary>
    public IReadOnlyList<PtxRegister> All => _all;

    /// <summary>A new register, or, with 2 or 4 components, the vector of as many.</summary>
    public PtxOperand Create(string name, PtxType type, int components) => components == 1
        ? new PtxOperand.Register(Add(name, type))
        : new PtxOperand.Vector([.. "xyzw"[..components].Select(component => new PtxOperand.Register(Add($"{name}.{component}", type)))]);

    private PtxRegister Add(string name, PtxType type)
    {
        PtxRegister register = new(name, type, _all.Count);
        _all.Add(register);
        return register;
    }
}
