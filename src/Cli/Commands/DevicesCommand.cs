using System.CommandLine;
using Handwritten.Kernels.Cpu;
using Handwritten.Kernels.Gpu;
using Spectre.Console;

namespace Handwritten.Cli.Commands;

/// <summary><c>handwritten devices</c>: what models can run on here.</summary>
internal sealed class DevicesCommand : Command
{
    public DevicesCommand()
        : base("devices", "List what models can run on here.")
    {
        SetAction(_ =>
        {
            using CpuKernels cpu = new();
            Table table = Terminal.Table("device", "description");
            table.AddRow("cpu", Markup.Escape(cpu.DeviceDescription));
            AddGpus(table);
            table.AddRow("emulated", Markup.Escape(Emulator()));
            Terminal.Write(table);
        });
    }

    private static void AddGpus(Table table)
    {
        try
        {
            CudaLibrary.UseDriver();
            foreach (GpuDescription gpu in GpuDevice.List())
            {
                table.AddRow($"cuda:{gpu.Index}", Markup.Escape(gpu.ToString()));
            }
        }
        catch (GpuException)
        {
            table.AddRow("cuda", "no NVIDIA driver on this machine");
        }
    }

    private static string Emulator()
    {
        try
        {
            return $"the CUDA kernels on the CPU, by {CudaLibrary.FindEmulator()}";
        }
        catch (GpuException)
        {
            return "the CUDA kernels on the CPU: not built, run tools/CudaEmulator/build.sh";
        }
    }
}
