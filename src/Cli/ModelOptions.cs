using System.CommandLine;
using Handwritten.Kernels;
using Handwritten.Kernels.Gpu;
using Handwritten.Model;

namespace Handwritten.Cli;

/// <summary>The options of every command that runs a model: which one, and where.</summary>
internal sealed class ModelOptions
{
    private readonly Option<string?> _model = Define.Text("--model",
        $"The model: a folder as Hugging Face publishes it, or the name of one that is in weights/ or was downloaded: tiny, large, turbo, owner/name. [default: {ModelFolder.Default}]", "FOLDER|NAME");

    private readonly Option<string?> _folder = Define.Text("--model-dir",
        "A further place to look for the model, before all others: a folder with models in it, or a cache of Hugging Face.", "FOLDER", "--download-root");

    private readonly DeviceOptions _device = new();

    /// <summary>Adds the options to a command.</summary>
    public void AddTo(Command command)
    {
        command.Add(_model);
        command.Add(_folder);
        _device.AddTo(command);
    }

    /// <summary>Whether a model was named.</summary>
    public bool IsGiven(ParseResult parsed) => parsed.GetValue(_model) is not null;

    /// <summary>The options that name the model.</summary>
    public IReadOnlyList<Option> Names => [_model, _folder];

    /// <summary>The folder of the model that was chosen.</summary>
    /// <exception cref="ModelException">There is no such model, or no such place to look for it.</exception>
    public string Folder(ParseResult parsed) => parsed.GetValue(_folder) is { } place && !Directory.Exists(place)
        ? throw new ModelException($"{_folder.Name} names '{place}', which is no folder: give the one that the models are in, or leave it out.")
        : ModelFolder.Resolve(parsed.GetValue(_model) ?? ModelFolder.Default, parsed.GetValue(_folder));

    /// <summary>Starts the back end that was chosen.</summary>
    /// <exception cref="GpuException">The GPU that was asked for cannot be used.</exception>
    /// <exception cref="UsageException">The options contradict each other.</exception>
    public IKernels CreateKernels(ParseResult parsed) => _device.Read(parsed).CreateKernels();

    /// <summary>Loads the model that was chosen.</summary>
    /// <exception cref="ModelException">It cannot be used.</exception>
    /// <exception cref="GpuException">The GPU that was asked for cannot be used.</exception>
    /// <exception cref="UsageException">The options contradict each other.</exception>
    public WhisperModel Load(ParseResult parsed) => WhisperModel.Load(Folder(parsed), _device.Read(parsed));
}
