using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using Handwritten.Model;
using Spectre.Console;

namespace Handwritten.Cli.Commands;

/// <summary><c>handwritten models</c>: which models are on this machine, and which there are to download.</summary>
internal sealed class ModelsCommand : Command
{
    private readonly Option<bool> _json = Define.Json();

    /// <summary>The command.</summary>
    public ModelsCommand()
        : base("models", "List the models that are here, and those that 'pull' gets.")
    {
        Add(_json);
        SetAction(parsed => Show(parsed.GetValue(_json)));
    }

    private sealed record Here(string Name, string Folder, long Bytes);

    private sealed record Published(string Name, IReadOnlyList<string> Aliases, string Repository, long Parameters, long Bytes, bool IsHere);

    private static void Show(bool json)
    {
        Here[] here = [.. ModelFolder.Local().Select(model => new Here(model.Name, model.Folder, Size(model.Folder)))];
        Published[] published = [.. PublishedModel.All.Select(model => new Published(
            model.Name, model.Aliases, model.Repository, model.Parameters, model.Bytes, here.Any(local => local.Name == model.Repository || local.Name == model.FolderName)))];
        if (json)
        {
            Console.Out.WriteLine(JsonSerializer.Serialize(new { Here = here, Published = published }, Terminal.Json));
            return;
        }

        Table local = Terminal.Table("here", ">size", "folder");
        foreach (Here model in here)
        {
            local.AddRow(Markup.Escape(model.Name), Megabytes(model.Bytes), Markup.Escape(model.Folder));
        }

        if (here.Length > 0)
        {
            Terminal.Write(local);
        }

        Table known = Terminal.Table("published", ">parameters", ">size", "handwritten pull", "");
        foreach (Published model in published)
        {
            known.AddRow(
                string.Join(", ", model.Aliases.Prepend(model.Name)), (model.Parameters / 1e6).ToString("N0", CultureInfo.InvariantCulture) + " M",
                Megabytes(model.Bytes), model.Repository, model.IsHere ? "here" : "");
        }

        Terminal.Write(known);
    }

    private static long Size(string folder)
    {
        long bytes = 0;
        foreach (FileInfo file in new DirectoryInfo(folder).EnumerateFiles("*", new EnumerationOptions { IgnoreInaccessible = true, AttributesToSkip = 0 }))
        {
            // A file of the cache is a link; what counts is what it leads to.
            bytes += (file.ResolveLinkTarget(returnFinalTarget: true) as FileInfo ?? file) is { Exists: true } target ? target.Length : 0;
        }

        return bytes;
    }

    private static string Megabytes(long bytes) => (bytes / 1e6).ToString("N0", CultureInfo.InvariantCulture) + " MB";
}
