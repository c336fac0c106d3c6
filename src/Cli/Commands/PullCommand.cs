using System.CommandLine;
using System.Globalization;
using Handwritten.Model;
using Handwritten.Runtime.Hub;

namespace Handwritten.Cli.Commands;

/// <summary><c>handwritten pull</c>: downloads a model from Hugging Face, or from a mirror of it.</summary>
internal sealed class PullCommand : Command
{
    private readonly Argument<string> _model = new("MODEL")
    {
        Description = "owner/name of a model on Hugging Face, or a name that 'handwritten models' lists, such as tiny.",
    };

    private readonly Option<string?> _revision = Define.Text("--revision", "The branch, tag or commit. [default: main]", "NAME");

    private readonly Option<string?> _token = Define.Text("--token", "Who asks, for a model that not everybody may have. [default: HF_TOKEN]", "TOKEN");

    private readonly Option<string?> _folder = Define.Text("--local-dir",
        "Where to put it, as plain files. [default: the cache that Python's huggingface_hub uses]", "FOLDER");

    private readonly Option<bool> _quiet = Define.Flag("--quiet", "Print nothing on standard error but failures.");

    /// <summary>The command.</summary>
    public PullCommand()
        : base("pull", "Download a model from Hugging Face (or HF_ENDPOINT).")
    {
        Add(_model);
        foreach (Option option in new Option[] { _revision, _token, _folder, _quiet })
        {
            Add(option);
        }

        SetAction(RunAsync);
    }

    private async Task<int> RunAsync(ParseResult parsed, CancellationToken cancellation)
    {
        string repository = Repository(parsed.GetRequiredValue(_model));
        string revision = Revision(parsed.GetValue(_revision) ?? "main");
        bool quiet = parsed.GetValue(_quiet);
        HubOptions options = HubOptions.FromEnvironment();
        using HubClient hub = new(options with { Token = Token(parsed.GetValue(_token)) ?? options.Token });
        IModelStore store = parsed.GetValue(_folder) is { } folder ? new FolderStore(folder) : new CacheStore(HubCache.Default, repository);

        HubSnapshot snapshot;
        try
        {
            snapshot = await hub.ListAsync(repository, revision, cancellation);
        }
        catch (HubException failure) when (failure.IsAway && store is CacheStore && HubCache.Default.Find(repository, revision) is { } kept)
        {
            // As huggingface_hub does it: a script that pulls before it transcribes works without a network, too.
            if (!quiet)
            {
                await Console.Error.WriteLineAsync($"{repository} is here already, and whether there is a newer one cannot be found out: {failure.Message}");
            }

            Console.Out.WriteLine(kept);
            return (int)ExitCode.Ok;
        }

        if (!quiet)
        {
            await Console.Error.WriteLineAsync(string.Create(CultureInfo.InvariantCulture,
                $"{repository} at {snapshot.Commit[..8]}: {snapshot.Files.Count} files, {snapshot.Bytes / 1e6:N1} MB"));
        }

        string model = "";
        Terminal.WithProgress(repository, snapshot.Bytes, !quiet, progress =>
            model = ModelDownload.RunAsync(hub, snapshot, store, bytes => progress.Report(bytes), cancellation).GetAwaiter().GetResult(), bytes: true);
        Console.Out.WriteLine(model);
        return (int)ExitCode.Ok;
    }

    private static string Repository(string name)
    {
        if (PublishedModel.Find(name) is { } published)
        {
            return published.Repository;
        }

        IEnumerable<string> known = PublishedModel.All.SelectMany(model => model.Aliases.Append(model.Name).Append(model.Repository));
        return ModelFolder.IsRepository(name)
            ? name
            : throw new UsageException($"MODEL must be owner/name, or the name of a published model, but it is '{name}'.{Spelling.Suggest(name, known)} See 'handwritten models'.");
    }

    // It becomes the name of a file as well.
    private string Revision(string revision) =>
        revision.Split('/').All(part => part.Length > 0 && part is not ("." or "..") && part.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_' or '.' or '+'))
            ? revision
            : throw new UsageException($"{_revision.Name} must be a branch, a tag or a commit, but it is '{revision}'.");

    private string? Token(string? token) =>
        token is null || HubOptions.IsToken(token)
            ? token
            : throw new UsageException($"{_token.Name} must be a token such as hf_..., without blanks.");
}
