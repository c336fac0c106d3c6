using System.CommandLine;
using Handwritten.Kernels;
using Handwritten.Kernels.Gpu;
using Handwritten.Model;

namespace Handwritten.Cli;

/// <summary>The options that choose a back end: where to compute, in which type, on how many threads.</summary>
internal sealed class DeviceOptions
{
    private readonly Option<ComputeDevice> _device = new("--device")
    {
        Description = "Where it runs: auto takes a GPU if there is one, cuda:1 the second GPU, cuda:T4 the first whose name has that; emulated runs the GPU's kernels on the CPU, to test and to learn.",
        HelpName = "auto|cpu|cuda[:N|:NAME]|emulated",
        DefaultValueFactory = _ => ComputeDevice.Auto,
        CustomParser = result =>
        {
            string name = result.Tokens[0].Value;
            if (ComputeDevice.TryParse(name, out ComputeDevice? device))
            {
                return device;
            }

            result.AddError($"--device must be auto, cpu, cuda, cuda:N (the GPU's number, from 0) or emulated, but it is '{name}'.{Spelling.Suggest(name, ComputeDevice.Names)}");
            return ComputeDevice.Auto;
        },
    };

    private readonly Option<string> _type = Define.Choice("--compute-type",
        "The type in which a GPU computes; auto is float16. The CPU computes in float32.", "auto", "float16", "bfloat16", "float32");

    private readonly Option<int?> _threads = Define.Count("--threads", "Threads of the CPU. [default: all]", maximum: 1024);

    /// <summary>Adds the options to a command.</summary>
    public void AddTo(Command command)
    {
        command.Add(_device);
        command.Add(_type);
        command.Add(_threads);
    }

    /// <summary>What was chosen.</summary>
    /// <exception cref="UsageException">The options contradict each other.</exception>
    public ModelLoadOptions Read(ParseResult parsed)
    {
        ComputeDevice device = parsed.GetRequiredValue(_device).Resolve();
        ComputeType? type = parsed.GetRequiredValue(_type) is var name and not "auto" ? Enum.Parse<ComputeType>(name, ignoreCase: true) : null;
        return device == ComputeDevice.Cpu && type is not (null or ComputeType.Float32)
            ? throw new UsageException($"The CPU computes in float32, with weights as they are stored: leave out {_type.Name}, or choose a GPU with {_device.Name} cuda.")
            : new ModelLoadOptions
            {
                Device = device,
                ComputeType = type,
                Threads = parsed.GetValue(_threads),
                Warn = sentence => Console.Error.WriteLine($"handwritten: {sentence}"),
            };
    }
}
