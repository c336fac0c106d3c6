using System.CommandLine;

namespace Handwritten.Cli.Commands;

/// <summary><c>handwritten devices</c>: what models can run on here.</summary>
internal static class DevicesCommand
{
    public static Command Create()
    {
        Command command = new("devices", "List what models can run on here.");
        command.SetAction(_ => Console.Out.WriteLine($"cpu   {Environment.ProcessorCount} threads"));
        return command;
    }
}
