using System.CommandLine;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Text.Json;
using Handwritten.Kernels;
using Handwritten.Model;
using Handwritten.Model.Parity;
using Handwritten.Model.Safetensors;
using Handwritten.Runtime.Output;
using Spectre.Console;

namespace Handwritten.Cli.Commands;

/// <summary>
/// <c>handwritten parity</c>: the proof. Runs the input of a reference through a model and compares every activation
/// with what openai/whisper computed.
/// </summary>
internal sealed class ParityCommand : Command
{
    private static readonly string[] Dumped = ["encoder.ln_post", "decoder.logits"];

    private readonly NetworkOptions _network = new(DType.F32);

    private readonly Option<string?> _reference = Define.Text("--reference",
        "The folder with the original's activations. [default: those of the demo model, or of the --shape]", "FOLDER");

    private readonly Option<string?> _dump = Define.Text("--dump",
        "Write the encoder's output and the logits to this file, to compare them with another program's.", "FILE.safetensors");

    private readonly Option<bool> _json = Define.Json();

    /// <summary>The command.</summary>
    public ParityCommand()
        : base("parity", "Compare a model's activations with openai/whisper's, layer by layer.")
    {
        _network.AddTo(this);
        Add(_reference);
        Add(_dump);
        Add(_json);
        SetAction((parsed, cancellation) => Task.FromResult((int)Run(parsed, cancellation)));
    }

    private ExitCode Run(ParseResult parsed, CancellationToken cancellation)
    {
        string? shape = _network.Shape(parsed);
        string folder = parsed.GetValue(_reference) ?? DefaultReference(shape is null ? "nano" : "shapes");
        ActivationReference reference = shape is null
            ? ActivationReference.OpenFolder(folder)
            : ActivationReference.OpenSummaries(Path.Combine(folder, $"{shape}.json"));
        using LoadedNetwork loaded = _network.Load(parsed);
        Dictionary<string, (int Width, float[] Values)> kept = [];
        IReadOnlyList<ParityRow> rows = ParityCheck.Run(loaded.Network, reference, (name, width, values) =>
        {
            if (Dumped.Contains(name))
            {
                kept[name] = (width, values);
            }
        }, cancellation);
        if (parsed.GetValue(_dump) is { } dump)
        {
            Write(dump, kept);
        }

        int wrong = rows.Count(row => !row.Ok);

        if (parsed.GetValue(_json))
        {
            Console.Out.WriteLine(JsonSerializer.Serialize(new { model = loaded.Name, device = loaded.Kernels.DeviceDescription, rows }, Terminal.Json));
        }
        else
        {
            Table table = Terminal.Table("activation", ">shape", ">relative L2 error", ">tolerance", "");
            foreach (ParityRow row in rows)
            {
                table.AddRow(
                    row.Name,
                    string.Join(" × ", row.Shape),
                    row.Error.ToString("0.0e+00", CultureInfo.InvariantCulture),
                    row.Tolerance.ToString("0e+00", CultureInfo.InvariantCulture),
                    row.Ok ? "ok" : "[red]wrong[/]");
            }

            Terminal.Write(table);
            Console.Out.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{loaded.Name} on {loaded.Kernels.DeviceDescription}: {rows.Count - wrong} of {rows.Count} activations are the original's; the largest error is {rows.Max(row => row.Error):0.0e+00}."));
        }

        return wrong == 0 ? ExitCode.Ok : ExitCode.NoParity;
    }

    private static unsafe void Write(string path, Dictionary<string, (int Width, float[] Values)> activations)
    {
        try
        {
            SafetensorsWriter.Write(path, Dumped.Select(name => new TensorInfo(name, DType.F32, Shape(name))), name =>
            {
                GCHandle pinned = GCHandle.Alloc(activations[name].Values, GCHandleType.Pinned);
                return new HostTensor(name, DType.F32, Shape(name), (byte*)pinned.AddrOfPinnedObject(), pinned.Free);
            });
        }
        catch (SafetensorsException exception)
        {
            throw new OutputException(exception.Message, exception);
        }

        int[] Shape(string name) => [activations[name].Values.Length / activations[name].Width, activations[name].Width];
    }

    /// <summary>The reference data of the repository that the program was built in.</summary>
    private static string DefaultReference(string kind)
    {
        for (DirectoryInfo? folder = new(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            string path = Path.Combine(folder.FullName, "tests", "data", "reference", kind);
            if (Directory.Exists(path))
            {
                return path;
            }
        }

        throw new UsageException("The reference activations are part of the repository, and this program is not in one: name their folder with --reference.");
    }
}
