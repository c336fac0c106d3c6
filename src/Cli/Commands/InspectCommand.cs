using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using Handwritten.Model;
using Handwritten.Model.Configuration;
using Handwritten.Model.Safetensors;
using Handwritten.Model.Tokenization;
using Spectre.Console;

namespace Handwritten.Cli.Commands;

/// <summary><c>handwritten inspect</c>: what is in a model folder, without loading the model.</summary>
internal sealed class InspectCommand : Command
{
    private readonly Argument<string?> _model = new("MODEL")
    {
        Description = $"A model folder, or the name of one that is in weights/ or was downloaded. [default: {ModelFolder.Default}]",
        Arity = ArgumentArity.ZeroOrOne,
    };

    private readonly Option<bool> _hashes = Define.Flag("--hashes", "Add the XxHash3 of every file and of every tensor's bytes; reads all of the weights.");

    private readonly Option<bool> _json = Define.Json();

    public InspectCommand()
        : base("inspect", "Show a model's architecture, tensors and memory.")
    {
        Add(_model);
        Add(_hashes);
        Add(_json);
        SetAction(parsed => Show(Inspect(parsed.GetValue(_model) ?? ModelFolder.Default, parsed.GetValue(_hashes)), parsed.GetValue(_json)));
    }

    /// <summary>A tensor as it is listed; the hash is there if it was asked for.</summary>
    private sealed record TensorRow(string Name, string Dtype, int[] Shape, long Bytes, string? XxHash3);

    /// <summary>A file of weights as it is listed; the hash is there if it was asked for.</summary>
    private sealed record FileRow(string Name, long Bytes, string? XxHash3);

    /// <summary>Memory for transcribing one recording at a time, in bytes.</summary>
    private sealed record Memory(long Weights, long KeyValueCaches, long Activations)
    {
        public long Total => Weights + KeyValueCaches + Activations;
    }

    private sealed record Report(
        string Name, string Folder, WhisperDimensions Dimensions, bool Multilingual, int Languages, IReadOnlyList<AlignmentHead> AlignmentHeads,
        long Parameters, Memory Memory, IReadOnlyList<FileRow> Files, IReadOnlyList<TensorRow> Tensors);

    private static Report Inspect(string nameOrPath, bool hashes)
    {
        string folder = Path.GetFullPath(ModelFolder.Resolve(nameOrPath));
        WhisperConfig config = WhisperConfig.Load(folder);
        GenerationConfig generation = GenerationConfig.Load(folder, config);
        WhisperTokenizer tokenizer = WhisperTokenizer.Load(folder, config, generation);
        tokenizer.EnsureReady();
        using SafetensorsFolder weights = new(folder);
        TensorInfo[] tensors = [.. weights.Names.Select(weights.Describe)];
        return new Report(
            ModelFolder.NameOf(folder),
            folder,
            config.Dimensions,
            generation.IsMultilingual,
            tokenizer.Special.LanguageCodes.Count,
            generation.AlignmentHeads,
            tensors.Sum(tensor => tensor.ElementCount),
            Estimate(config.Dimensions, tensors.Sum(tensor => tensor.ByteCount)),
            [.. weights.Files.Select(file => new FileRow(Path.GetFileName(file.Origin), file.ByteCount, Hash(file.Hash)))],
            [.. tensors.Select(tensor => new TensorRow(tensor.Name, tensor.Type.ToString(), tensor.Shape, tensor.ByteCount, Hash(() => weights.Hash(tensor.Name))))]);

        string? Hash(Func<ulong> compute) => hashes ? compute().ToString("x16", CultureInfo.InvariantCulture) : null;
    }

    private static void Show(Report report, bool json)
    {
        if (json)
        {
            Console.Out.WriteLine(JsonSerializer.Serialize(report, Terminal.Json));
            return;
        }

        WhisperDimensions dimensions = report.Dimensions;
        Table summary = Terminal.Table("", "");
        summary.ShowHeaders = false;
        summary.Border = TableBorder.None;
        foreach ((string name, string value) in new[]
        {
            ("model", report.Name),
            ("folder", report.Folder),
            ("encoder", $"{dimensions.AudioLayers} layers, {dimensions.AudioHeads} heads, width {dimensions.Width}, feed-forward {dimensions.AudioFeedForward}, {dimensions.MelBins} mel bins, {dimensions.AudioContext} positions"),
            ("decoder", $"{dimensions.TextLayers} layers, {dimensions.TextHeads} heads, width {dimensions.Width}, feed-forward {dimensions.TextFeedForward}, {dimensions.TextContext} positions"),
            ("vocabulary", $"{dimensions.Vocabulary} tokens, " + (report.Multilingual ? $"{report.Languages} languages" : "English only")),
            ("alignment heads", $"{report.AlignmentHeads.Count}: {string.Join(' ', report.AlignmentHeads.Select(head => $"{head.Layer}.{head.Head}"))} (layer.head)"),
            ("parameters", report.Parameters.ToString("N0", CultureInfo.InvariantCulture)),
            ("memory", $"about {Mebibytes(report.Memory.Total)}: weights {Mebibytes(report.Memory.Weights)}, key-value caches {Mebibytes(report.Memory.KeyValueCaches)}, activations {Mebibytes(report.Memory.Activations)}"),
        })
        {
            summary.AddRow(name, Markup.Escape(value));
        }

        foreach (FileRow file in report.Files)
        {
            summary.AddRow("file", Markup.Escape($"{file.Name}, {file.Bytes.ToString("N0", CultureInfo.InvariantCulture)} bytes{(file.XxHash3 is { } hash ? $", XxHash3 {hash}" : "")}"));
        }

        bool hashed = report.Tensors is [{ XxHash3: not null }, ..];
        Table table = Terminal.Table(["tensor", "type", "shape", ">bytes", .. hashed ? ["XxHash3"] : Array.Empty<string>()]);
        foreach (TensorRow tensor in report.Tensors)
        {
            string[] row = [tensor.Name, tensor.Dtype, $"[{string.Join(", ", tensor.Shape)}]", tensor.Bytes.ToString("N0", CultureInfo.InvariantCulture)];
            table.AddRow([.. row.Select(Markup.Escape), .. tensor.XxHash3 is { } hash ? [hash] : Array.Empty<string>()]);
        }

        Terminal.Write(summary);
        Terminal.Write(table);
    }

    /// <summary>
    /// What transcribing takes: the weights in the type they are stored in, the caches of one window and one token
    /// sequence, and the largest buffers, all in float32.
    /// </summary>
    private static Memory Estimate(WhisperDimensions dimensions, long weights)
    {
        long width = dimensions.Width, frames = dimensions.AudioContext, positions = dimensions.TextContext;
        long caches = 2 * dimensions.TextLayers * (frames + positions) * width;
        long encoder = frames * ((2 * dimensions.MelBins) + (8 * width) + dimensions.AudioFeedForward);
        long decoder = (positions * ((6 * width) + dimensions.TextFeedForward)) + (2L * dimensions.Vocabulary) + (frames * 2 * width);
        return new Memory(weights, sizeof(float) * caches, sizeof(float) * (encoder + decoder));
    }

    private static string Mebibytes(long bytes) => (bytes / 1048576.0).ToString("N1", CultureInfo.InvariantCulture) + " MiB";
}
