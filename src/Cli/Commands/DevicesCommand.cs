using System.CommandLine;
using Handwritten.Kernels.Cpu;
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
            Terminal.Write(table);
        });
    }
}
