using Handwritten.CudaEmulator.Device;
using Handwritten.CudaEmulator.Ptx;

namespace Handwritten.CudaEmulator.Execution;

/// <summary>A .global or .const variable of a loaded module.</summary>
public sealed record ModuleVariable(ulong Address, long Bytes);

/// <summary>A PTX module on the device: its variables have addresses, and its kernels are decoded.</summary>
public sealed class LoadedModule : IDisposable
{
    private readonly DeviceMemory _memory;
    private readonly Dictionary<string, ModuleVariable> _variables = [];
    private readonly Dictionary<string, KernelCode> _kernels = [];

    private LoadedModule(PtxModule module, DeviceProfile profile, DeviceMemory memory)
    {
        _memory = memory;
        Module = module;
        PtxVerifier.Verify(module, profile.ComputeCapability);
        try
        {
            Dictionary<string, ulong> addresses = Place();
            foreach (PtxFunction entry in module.Functions.Where(f => f.IsEntry && !f.IsDeclaration))
            {
                _kernels.Add(entry.Name, KernelCompiler.Compile(module, entry, addresses));
            }
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>What was parsed.</summary>
    public PtxModule Module { get; }

    /// <summary>Kernels by name.</summary>
    public IReadOnlyDictionary<string, KernelCode> Kernels => _kernels;

    /// <summary>Parses and loads a PTX text.</summary>
    /// <exception cref="PtxException">Something in the text is wrong, unknown to the emulator, or beyond the device.</exception>
    public static LoadedModule Load(string text, DeviceProfile profile, DeviceMemory memory) =>
        Load(PtxParser.Parse(text), profile, memory);

    /// <inheritdoc cref="Load(string, DeviceProfile, DeviceMemory)"/>
    public static LoadedModule Load(PtxModule module, DeviceProfile profile, DeviceMemory memory) => new(module, profile, memory);

    /// <summary>The kernel of that name, or null.</summary>
    public KernelCode? FindKernel(string name) => _kernels.GetValueOrDefault(name);

    /// <summary>The .global or .const variable of that name, or null.</summary>
    public ModuleVariable? FindGlobal(string name) => _variables.GetValueOrDefault(name);

    /// <summary>Frees the variables.</summary>
    public void Dispose()
    {
        foreach (ModuleVariable variable in _variables.Values)
        {
            _memory.Free(variable.Address);
        }

        _variables.Clear();
    }

    private unsafe Dictionary<string, ulong> Place()
    {
        Dictionary<string, ulong> addresses = [];
        foreach (PtxVariable variable in Module.Variables.Where(v => v.Space is StateSpace.Global or StateSpace.Const))
        {
            if (variable.IsExtern && variable.ByteSize == 0)
            {
                throw new PtxException(variable.Line, $"'{variable.Name}' is defined in no module");
            }

            Allocation allocation = _memory.TryAllocate(variable.ByteSize, AllocationKind.Variable, variable.Name)
                ?? throw new PtxException(variable.Line, $"device memory has no room for the {variable.ByteSize} bytes of '{variable.Name}'");
            variable.Initializer?.CopyTo(new Span<byte>((void*)allocation.Address, variable.ByteSize));
            _variables.Add(variable.Name, new(allocation.Address, variable.ByteSize));
            addresses.Add(variable.Name, allocation.Address);
        }

        // Addresses of variables within variables. A global address is the same in generic space.
        foreach (PtxVariable variable in Module.Variables)
        {
            foreach (PtxRelocation relocation in variable.Relocations)
            {
                ulong address = addresses.GetValueOrDefault(relocation.Symbol.Name) + (ulong)relocation.Addend;
                new ReadOnlySpan<byte>(&address, relocation.ByteSize).CopyTo(
                    new((void*)(addresses[variable.Name] + (ulong)relocation.Offset), relocation.ByteSize));
            }
        }

        return addresses;
    }
}
