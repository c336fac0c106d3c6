using Handwritten.CudaEmulator.Device;
using Handwritten.CudaEmulator.Ptx;

namespace Handwritten.CudaEmulator.Execution;

/// <summary>A .global or .const variable of a loaded module.</summary>
public sealed record ModuleVariable(ulong Address, long Bytes);

/// <summary>A PTX module on the device: its variables have addresses, and its kernels are decoded.</summary>
public sealed class LoadedModule : IDisposable
{
    private readonly DeviceMemory memory;
    private readonly Dictionary<string, ModuleVariable> variables = [];
    private readonly Dictionary<string, KernelCode> kernels = [];

    private LoadedModule(PtxModule module, DeviceProfile profile, DeviceMemory memory)
    {
        this.memory = memory;
        Module = module;
        PtxVerifier.Verify(module, profile.ComputeCapability);
        try
        {
            var addresses = Place();
            foreach (var entry in module.Functions.Where(f => f.IsEntry && !f.IsDeclaration))
            {
                kernels.Add(entry.Name, KernelCompiler.Compile(module, entry, addresses));
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
    public IReadOnlyDictionary<string, KernelCode> Kernels => kernels;

    /// <summary>Parses and loads a PTX text.</summary>
    /// <exception cref="PtxException">Something in the text is wrong, unknown to the emulator, or beyond the device.</exception>
    public static LoadedModule Load(string text, DeviceProfile profile, DeviceMemory memory) =>
        Load(PtxParser.Parse(text), profile, memory);

    /// <inheritdoc cref="Load(string, DeviceProfile, DeviceMemory)"/>
    public static LoadedModule Load(PtxModule module, DeviceProfile profile, DeviceMemory memory) => new(module, profile, memory);

    /// <summary>The kernel of that name, or null.</summary>
    public KernelCode? FindKernel(string name) => kernels.GetValueOrDefault(name);

    /// <summary>The .global or .const variable of that name, or null.</summary>
    public ModuleVariable? FindGlobal(string name) => variables.GetValueOrDefault(name);

    /// <summary>Frees the variables.</summary>
    public void Dispose()
    {
        foreach (var variable in variables.Values)
        {
            memory.Free(variable.Address);
        }

        variables.Clear();
    }

    private unsafe Dictionary<string, ulong> Place()
    {
        Dictionary<string, ulong> addresses = [];
        foreach (var variable in Module.Variables.Where(v => v.Space is StateSpace.Global or StateSpace.Const))
        {
            if (variable.IsExtern && variable.ByteSize == 0)
            {
                throw new PtxException(variable.Line, $"'{variable.Name}' is defined in no module");
            }

            var allocation = memory.TryAllocate(variable.ByteSize, AllocationKind.Variable, variable.Name)
                ?? throw new PtxException(variable.Line, $"device memory has no room for the {variable.ByteSize} bytes of '{variable.Name}'");
            variable.Initializer?.CopyTo(new Span<byte>((void*)allocation.Address, variable.ByteSize));
            variables.Add(variable.Name, new(allocation.Address, variable.ByteSize));
            addresses.Add(variable.Name, allocation.Address);
        }

        // Addresses of variables within variables. A global address is the same in generic space.
        foreach (var variable in Module.Variables)
        {
            foreach (var relocation in variable.Relocations)
            {
                var address = addresses.GetValueOrDefault(relocation.Symbol.Name) + (ulong)relocation.Addend;
                new ReadOnlySpan<byte>(&address, relocation.ByteSize).CopyTo(
                    new((void*)(addresses[variable.Name] + (ulong)relocation.Offset), relocation.ByteSize));
            }
        }

        return addresses;
    }
}
