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

    private static readonly ComputeType[] NamedTypes =
    [
        ComputeType.Float16, ComputeType.BFloat16, ComputeType.Float32,
        ComputeType.Int8, ComputeType.Int8Float16, ComputeType.Int8BFloat16, ComputeType.Int8Float32,
    ];

    private static readonly string[] Types = ["auto", "default", .. NamedTypes.Select(ComputeTypes.Name)];

    private readonly Option<OrNone<ComputeType>> _type = new("--compute-type")
    {
        Description = "The type in which a GPU computes; auto (or default) is float16. The CPU computes in float32. int8 keeps the weights in a byte each, rounded when they are loaded, and computes as auto does; int8_float16, int8_bfloat16 and int8_float32 say in which type. [default: auto]",
        HelpName = "auto|default|float16|bfloat16|float32|int8[_TYPE]",
        CustomParser = result =>
        {
            string name = result.Tokens[0].Value;
            if (name is "auto" or "default")
            {
                return default;
            }

            int index = Array.FindIndex(NamedTypes, type => type.Name() == name);
            if (index >= 0)
            {
                return new OrNone<ComputeType>(NamedTypes[index]);
            }

            result.AddError($"--compute-type must be {string.Join(", ", Types[..^1])} or {Types[^1]}, but it is '{name}'.{Spelling.Suggest(name, Types)}");
            return default;
        },
    };

    private readonly Option<bool> _half = Define.Flag("--fp16", "As whisper has it: False is --compute-type float32, True float16.", initially: true);

    private readonly Option<OrNone<int>> _threads = Optional.Integer("--threads", "Threads of the CPU; 0 for all.", 0, 0, 1024, "--cpu-threads");

    /// <summary>Adds the options to a command.</summary>
    public void AddTo(Command command)
    {
        command.Add(_device);
        command.Add(_type);
        command.Add(_half);
        command.Add(_threads);
    }

    /// <summary>What was chosen.</summary>
    /// <exception cref="UsageException">The options contradict each other.</exception>
    public ModelLoadOptions Read(ParseResult parsed)
    {
        bool namesPrecision = parsed.GetResult(_half) is { Implicit: false };
        return namesPrecision && parsed.GetResult(_type) is { Implicit: false }
            ? throw new UsageException($"{_half.Name} says in which type to compute, and so does {_type.Name}: give only one of them.")
            : new ModelLoadOptions
            {
                Device = parsed.GetRequiredValue(_device),
                ComputeType = !namesPrecision ? parsed.GetValue(_type).Value : parsed.GetValue(_half) ? ComputeType.Float16 : ComputeType.Float32,
                Threads = parsed.GetValue(_threads).Value is int threads and > 0 ? threads : null,
                Warn = Narrator.IsQuiet(parsed) ? null : sentence => Console.Error.WriteLine($"handwritten: {sentence}"),
            };
    }
}
