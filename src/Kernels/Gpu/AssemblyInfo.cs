using System.Runtime.CompilerServices;

// ILGPU writes launchers at run time, and their parameters are structs of ours.
[assembly: InternalsVisibleTo(ILGPU.Context.RuntimeAssemblyName)]
