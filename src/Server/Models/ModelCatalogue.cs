using Handwritten.Model;
using Handwritten.Server.Errors;

namespace Handwritten.Server.Models;

/// <summary>The models that this server has, the default one first.</summary>
internal sealed class ModelCatalogue : IAsyncDisposable
{
    /// <summary>OpenAI's models that write down what is said: here the default model, so that clients work as they are.</summary>
    private static readonly string[] OpenAiNames = ["whisper-1", "gpt-4o-transcribe", "gpt-4o-mini-transcribe", "gpt-4o-mini-transcribe-2025-12-15"];

    public ModelCatalogue(ServerOptions options, TimeProvider time, ILogger<ModelHost> logger) =>
        All = [.. options.Models.Select(source => new ModelHost(source, time, logger))];

    public IReadOnlyList<ModelHost> All { get; }

    /// <summary>Finds a model by name; without one, the default.</summary>
    /// <exception cref="ApiException">There is none of that name.</exception>
    public ModelHost Find(string? name) => name is null || OpenAiNames.Contains(name)
        ? All.FirstOrDefault(host => host.Source.Name == name) ?? All[0]
        : All.FirstOrDefault(host => host.Source.Name == name) ?? throw new ApiException(
            StatusCodes.Status404NotFound,
            $"The model '{name}' does not exist here; choose {string.Join(" or ", All.Select(host => host.Source.Name))}.",
            parameter: "model",
            code: "model_not_found");

    /// <summary>
    /// Finds a model also by the name that the <c>whisper</c> command has for it, such as turbo. A published model that is not here stands
    /// for the default one: what names it was written for a server that has them all.
    /// </summary>
    /// <exception cref="ApiException">There is none of that name, here or published.</exception>
    public ModelHost FindPublished(string? name) => name is not null && All.All(host => host.Source.Name != name) && PublishedModel.Find(name) is { } published
        ? All.FirstOrDefault(host => host.Source.Name == published.FolderName) ?? All[0]
        : Find(name);

    public async ValueTask DisposeAsync()
    {
        foreach (ModelHost host in All)
        {
            await host.DisposeAsync();
        }
    }
}
