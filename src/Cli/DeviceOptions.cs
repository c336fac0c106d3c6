using System.CommandLine;
using System.Globalization;
using Handwritten.Kernels;
using Handwritten.Kernels.Cpu;
using Handwritten.Kernels.Gpu;

namespace Handwritten.Cli;

/// <summary>The options that choose a back end: where to compute, in which type, on how many threads.</summary>
internal sealed class DeviceOptions
{
    private static readonly string[] Kinds = ["auto", "cpu", "cuda", "emulated"];

    private readonly Option<string> _device = new("--device")
    {
        Description = "Where it runs: auto takes a GPU if there is one, cuda:1 the second GPU; emulated runs the GPU's kernels on the CPU, to test and to learn.",
        HelpName = "auto|cpu|cuda[:N]|emulated",
        DefaultValueFactory = _ => "auto",
        CustomParser = result =>
        {
            string device = result.Tokens[0].Value;
            if (Kinds.Contains(device) || Index(device) is not null)
            {
                return device;
            }

            result.AddError($"--device must be auto, cpu, cuda, cuda:N (the GPU's number, from 0) or emulated, but it is '{device}'.{Spelling.Suggest(device, Kinds)}");
            return "auto";
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

    /// <summary>Starts the back end that was chosen.</summary>
    /// <exception cref="GpuException">The GPU that was asked for cannot be used.</exception>
    /// <exception cref="UsageException">The options contradict each other.</exception>
    public IKernels CreateKernels(ParseResult parsed)
    {
        string device = parsed.GetRequiredValue(_device);
        if (device == "auto")
        {
            device = HasGpu() ? "cuda" : "cpu";
        }

        ComputeType? type = parsed.GetRequiredValue(_type) switch
        {
            "float32" => ComputeType.Float32,
            "float16" => ComputeType.Float16,
            "bfloat16" => ComputeType.BFloat16,
            _ => null,
        };
        if (device == "cpu")
        {
            return type is null or ComputeType.Float32
                ? new CpuKernels(parsed.GetValue(_threads))
                : throw new UsageException($"The CPU computes in float32, with weights as they are stored: leave out {_type.Name}, or choose a GPU with {_device.Name} cuda.");
        }

        if (device == "emulated")
        {
            CudaLibrary.UseEmulator(FindEmulator());
        }
        else
        {
            CudaLibrary.UseDriver();
        }

        return GpuKernels.Create(new GpuDevice(Index(device) ?? 0, sentence => Console.Error.WriteLine($"handwritten: {sentence}")), type ?? ComputeType.Float16);
    }

    /// <summary>The emulated driver: where <c>HANDWRITTEN_EMULATOR_LIBRARY</c> says, or where the repository that the program was built in has it.</summary>
    /// <exception cref="GpuException">It has not been built.</exception>
    public static string FindEmulator()
    {
        if (Environment.GetEnvironmentVariable("HANDWRITTEN_EMULATOR_LIBRARY") is { Length: > 0 } path)
        {
            return path;
        }

        for (DirectoryInfo? folder = new(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            path = Path.Combine(folder.FullName, "artifacts", "cuda-emulator", "libcuda.so");
            if (File.Exists(path))
            {
                return path;
            }
        }

        throw new GpuException("The emulated CUDA driver is not built: run tools/CudaEmulator/build.sh in the repository, or name the library in HANDWRITTEN_EMULATOR_LIBRARY.");
    }

    private static bool HasGpu()
    {
        try
        {
            CudaLibrary.UseDriver();
            return GpuDevice.List().Any(gpu => gpu.IsUsable);
        }
        catch (GpuException)
        {
            return false;
        }
    }

    private static int? Index(string device) =>
        device.StartsWith("cuda:", StringComparison.Ordinal) && int.TryParse(device.AsSpan(5), NumberStyles.None, CultureInfo.InvariantCulture, out int index) ? index : null;
}
