using Handwritten.Kernels;
using Handwritten.Model;
using Handwritten.Runtime.Serving;

namespace Handwritten.Server.Models;

/// <summary>A model that can be loaded.</summary>
/// <param name="Name">What clients call it.</param>
/// <param name="Folder">As Hugging Face publishes it.</param>
/// <param name="CreateKernels">Starts the back end that runs it.</param>
/// <param name="Engine">How much it does at the same time.</param>
public sealed record ModelSource(string Name, string Folder, Func<IKernels> CreateKernels, EngineOptions Engine)
{
    /// <summary>Loads it.</summary>
    /// <exception cref="ModelException">The folder cannot be used.</exception>
    /// <exception cref="Kernels.Gpu.GpuException">The device cannot be used.</exception>
    internal LoadedModel Load()
    {
        IKernels kernels = CreateKernels();
        WhisperModel? model = null;
        try
        {
            model = WhisperModel.Load(Folder, kernels);
            return new LoadedModel(kernels, model, new TranscriptionEngine(model, Engine));
        }
        catch
        {
            model?.Dispose();
            kernels.Dispose();
            throw;
        }
    }
}

/// <summary>A model in memory, and the engine that serves it.</summary>
internal sealed record LoadedModel(IKernels Kernels, WhisperModel Model, TranscriptionEngine Engine) : IAsyncDisposable
{
    public async ValueTask DisposeAsync()
    {
        await Engine.DisposeAsync();
        Model.Dispose();
        Kernels.Dispose();
    }
}
