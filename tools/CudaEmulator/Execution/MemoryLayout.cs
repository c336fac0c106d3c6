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
    private readonly IReadOnlyDictionary<string, ulong> globals;
    private readonly Dictionary<PtxVariable, int> places = new(ReferenceEqualityComparer.Instance);
    private readonly HashSet<PtxVariable> inLocal = new(ReferenceEqualityComparer.Instance);
    private int parameterBytes;
    private int sharedBytes;
    private int localBytes;

    /// <summary>Places the parameters of a kernel and its shared variables.</summary>
    /// <param name="entry">The kernel.</param>
    /// <param name="reachable">The kernel and the functions that it may call.</param>
    /// <param name="globals">Addresses of the module's .global and .const variables.</param>
    public MemoryLayout(PtxFunction entry, IEnumerable<PtxFunction> reachable, IReadOnlyDictionary<string, ulong> globals)
    {
        this.globals = globals;
        foreach (var parameter in entry.Parameters)
        {
            places[parameter] = Place(ref parameterBytes, parameter);
        }

        List<PtxVariable> open = [];
        foreach (var variable in reachable.SelectMany(Mentioned).Where(v => v.Space == StateSpace.Shared).Distinct(ReferenceEqualityComparer.Instance).Cast<PtxVariable>())
        {
            if (variable.ByteSize == 0)
            {
                open.Add(variable);
            }
            else
            {
                places[variable] = Place(ref sharedBytes, variable);
            }
        }

        if (open.Count > 0)
        {
            var alignment = Math.Max(16, open.Max(v => v.Alignment));
            sharedBytes = (sharedBytes + alignment - 1) / alignment * alignment;
            open.ForEach(v => places[v] = sharedBytes);
        }
    }

    /// <summary>Bytes of the kernel's parameters.</summary>
    public int ParameterBytes => parameterBytes;

    /// <summary>Bytes of shared memory that are declared.</summary>
    public int SharedBytes => sharedBytes;

    /// <summary>Bytes of a thread's local memory.</summary>
    public int LocalBytes => localBytes;

    /// <summary>The shared variables, in order.</summary>
    public IEnumerable<(string Name, int Offset)> SharedVariables =>
        places.Where(p => p.Key.Space == StateSpace.Shared).Select(p => (p.Key.Name, p.Value)).OrderBy(p => p.Value);

    /// <summary>Where a parameter of the kernel is.</summary>
    public int OffsetOf(PtxVariable parameter) => places[parameter];

    /// <summary>A variable's space and its address there.</summary>
    /// <exception cref="PtxException">It has none.</exception>
    public (StateSpace Space, ulong Address) AddressOf(PtxVariable variable, int line) =>
        variable.Space is StateSpace.Global or StateSpace.Const
            ? globals.TryGetValue(variable.Name, out var address)
                ? (variable.Space, address)
                : throw new PtxException(line, $"undefined variable '{variable.Name}'")
            : places.TryGetValue(variable, out var place)
                ? (inLocal.Contains(variable) ? StateSpace.Local : variable.Space, (ulong)place)
                : throw new PtxException(line, $"'{variable.Name}' has no address here");

    /// <summary>Places a variable, or a parameter of a device function, in local memory.</summary>
    public void AddLocal(PtxVariable variable)
    {
        places[variable] = Place(ref localBytes, variable);
        inLocal.Add(variable);
    }

    /// <summary>
    /// Lets a parameter of a device function be a variable of its caller's; false unless that is one of local memory and as
    /// large.
    /// </summary>
    public bool TryShare(PtxVariable parameter, PtxVariable variable)
    {
        if (variable.ByteSize != parameter.ByteSize || !inLocal.Contains(variable))
        {
            return false;
        }

        places[parameter] = places[variable];
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
        var place = (bytes + variable.Alignment - 1) / variable.Alignment * variable.Alignment;
        bytes = place + variable.ByteSize;
        return place;
    }
}
