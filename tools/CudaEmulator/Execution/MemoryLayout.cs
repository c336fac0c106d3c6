using Handwritten.CudaEmulator.Ptx;

namespace Handwritten.CudaEmulator.Execution;

/// <summary>
/// Where a kernel's variables lie. What is declared first comes first, aligned; registers are in <see cref="FrameLayout"/>.
///
///     parameters     the kernel's, as in <see cref="LaunchRequest.Parameters"/>
///     shared         what the kernel and its functions declare; dynamic shared memory begins behind that
///     local          the variables of the kernel and of its functions, and the parameters of those
///     global, const  the module's, wherever it was loaded
/// </summary>
internal sealed class MemoryLayout
{
    private readonly IReadOnlyDictionary<string, ulong> _globals;
    private readonly Dictionary<PtxVariable, int> _places = new(ReferenceEqualityComparer.Instance);
    private readonly HashSet<PtxVariable> _inLocal = new(ReferenceEqualityComparer.Instance);
    private int _parameterBytes;
    private int _sharedBytes;
    private int _localBytes;

    /// <summary>Places the parameters of a kernel and its shared variables.</summary>
    /// <param name="entry">The kernel.</param>
    /// <param name="reachable">The kernel and the functions that it may call.</param>
    /// <param name="globals">Addresses of the module's .global and .const variables.</param>
    public MemoryLayout(PtxFunction entry, IEnumerable<PtxFunction> reachable, IReadOnlyDictionary<string, ulong> globals)
    {
        _globals = globals;
        foreach (PtxVariable parameter in entry.Parameters)
        {
            _places[parameter] = Place(ref _parameterBytes, parameter);
        }

        List<PtxVariable> open = [];
        foreach (PtxVariable variable in reachable.SelectMany(Mentioned).Where(v => v.Space == StateSpace.Shared).Distinct(ReferenceEqualityComparer.Instance).Cast<PtxVariable>())
        {
            if (variable.ByteSize == 0)
            {
                open.Add(variable);
            }
            else
            {
                _places[variable] = Place(ref _sharedBytes, variable);
            }
        }

        if (open.Count > 0)
        {
            int alignment = Math.Max(16, open.Max(v => v.Alignment));
            _sharedBytes = (_sharedBytes + alignment - 1) / alignment * alignment;
            open.ForEach(v => _places[v] = _sharedBytes);
        }
    }

    /// <summary>Bytes of the kernel's parameters.</summary>
    public int ParameterBytes => _parameterBytes;

    /// <summary>Bytes of shared memory that are declared.</summary>
    public int SharedBytes => _sharedBytes;

    /// <summary>Bytes of a thread's local memory.</summary>
    public int LocalBytes => _localBytes;

    /// <summary>The shared variables, in order.</summary>
    public IEnumerable<(string Name, int Offset)> SharedVariables =>
        _places.Where(p => p.Key.Space == StateSpace.Shared).Select(p => (p.Key.Name, p.Value)).OrderBy(p => p.Value);

    /// <summary>Where a parameter of the kernel is.</summary>
    public int OffsetOf(PtxVariable parameter) => _places[parameter];

    /// <summary>A variable's space and its address there.</summary>
    /// <exception cref="PtxException">It has none.</exception>
    public (StateSpace Space, ulong Address) AddressOf(PtxVariable variable, int line) =>
        variable.Space is StateSpace.Global or StateSpace.Const
            ? _globals.TryGetValue(variable.Name, out ulong address)
                ? (variable.Space, address)
                : throw new PtxException(line, $"undefined variable '{variable.Name}'")
            : _places.TryGetValue(variable, out int place)
                ? (_inLocal.Contains(variable) ? StateSpace.Local : variable.Space, (ulong)place)
                : throw new PtxException(line, $"'{variable.Name}' has no address here");

    /// <summary>Places a variable, or a parameter of a device function, in local memory.</summary>
    public void AddLocal(PtxVariable variable)
    {
        _places[variable] = Place(ref _localBytes, variable);
        _inLocal.Add(variable);
    }

    /// <summary>
    /// Lets a parameter of a device function be a variable of its caller's; false unless that is one of local memory and as
    /// large.
    /// </summary>
    public bool TryShare(PtxVariable parameter, PtxVariable variable)
    {
        if (variable.ByteSize != parameter.ByteSize || !_inLocal.Contains(variable))
        {
            return false;
        }

        _places[parameter] = _places[variable];
        return true;
    }

    private static IEnumerable<PtxVariable> Mentioned(PtxFunction function) =>
        function.Instructions.SelectMany(i => i.Operands).Select(o => o switch
        {
            PtxOperand.Address address => address.Symbol,
            PtxOperand.VariableAddress address => address.Value,
            _ => null,
        }).OfType<PtxVariable>();

    private static int Place(ref int bytes, PtxVariable variable)
    {
        int place = (bytes + variable.Alignment - 1) / variable.Alignment * variable.Alignment;
        bytes = place + variable.ByteSize;
        return place;
    }
}
