using System.CommandLine;
using Handwritten.Kernels.Cpu;
using Handwritten.Model;

namespace Handwritten.Cli;

/// <summary>A model in a back end; both go together.</summary>
internal sealed record LoadedModel(CpuKernels Kernels, WhisperModel Model) : IDisposable
{
    public void Dispose()
    {
        Model.Dispose();
        Kernels.Dispose();
    }
}

/// <summary>The options of every command that runs a model: which one, where, on how many threads.</summary>
internal sealed class ModelOptions
{
    private readonly Option<string?> _model = Define.Text("--model",
        $"The model: a folder as Hugging Face publishes it, or the name of one in weights/. [default: {ModelFolder.Default}]", "FOLDER|NAME");

    private readonly Option<string> _device = Define.Choice("--device", "Where it runs; auto takes the fastest there is.", "auto", "cpu");

    private readonly Option<int?> _threads = Define.Count("--threads", "Threads of the CPU. [default: all]", maximum: 1024);

    /// <summary>Adds the options to a command.</summary>
    public void AddTo(Command command)
    {
        command.Add(_model);
        command.Add(_device);
        command.Add(_threads);
    }

    /// <summary>Whether a model was named.</summary>
    public bool IsGiven(ParseResult parsed) => parsed.GetValue(_model) is not null;

    /// <summary>Starts the back end that was chosen.</summary>
    public CpuKernels CreateKernels(ParseResult parsed) => new(parsed.GetValue(_threads));

    /// <summary>Loads the model that was chosen.</summary>
    /// <exception cref="ModelException">It cannot be used.</exception>
    public LoadedModel Load(ParseResult parsed)
    {
        string folder = ModelFolder.Resolve(parsed.GetValue(_model) ?? ModelFolder.Default);
        CpuKernels kernels = CreateKernels(parsed);
        try
        {
            return new LoadedModel(kernels, WhisperModel.Load(folder, kernels));
        }
        catch
        {
            kernels.Dispose();
            throw;
        }
    }
}
