using System.CommandLine;
using Handwritten.Kernels;
using Handwritten.Model;
using Handwritten.Model.Synthetic;

namespace Handwritten.Cli;

/// <summary>A network in a back end, of a model or made up; both go together.</summary>
/// <param name="Name">The model's name, or the shape's.</param>
/// <param name="Kernels">The back end.</param>
/// <param name="Network">The network.</param>
internal sealed record LoadedNetwork(string Name, IKernels Kernels, WhisperNetwork Network) : IDisposable
{
    public void Dispose()
    {
        Network.Dispose();
        Kernels.Dispose();
    }
}

/// <summary>
/// The options of commands that run a network and no tokenizer: besides those of a model, the shape of a published one
/// with made-up weights, so that large models can be timed and checked without having them.
/// </summary>
internal sealed class NetworkOptions
{
    private readonly ModelOptions _model = new();

    private readonly Option<string?> _shape = Define.Text("--shape",
        "Instead of a model, made-up weights in the shape of a published one.", string.Join('|', WhisperDimensions.Known.Keys));

    private readonly Option<string> _type;

    /// <param name="types">The types in which made-up weights can be stored, the usual one first.</param>
    public NetworkOptions(params DType[] types)
    {
        _type = Define.Choice("--type", "How the made-up weights are stored.", [.. types.Select(type => type.ToString().ToLowerInvariant())]);
    }

    /// <summary>Adds the options to a command.</summary>
    public void AddTo(Command command)
    {
        _model.AddTo(command);
        command.Add(_shape);
        command.Add(_type);
    }

    /// <summary>The shape that was asked for, if one was.</summary>
    /// <exception cref="UsageException">There is no such shape, or it comes with options that contradict it.</exception>
    public string? Shape(ParseResult parsed) => parsed.GetValue(_shape) switch
    {
        null when parsed.GetResult(_type) is { Implicit: false } =>
            throw new UsageException($"{_type.Name} is for made-up weights: give {_shape.Name} with it, or leave it out."),
        null => null,
        { } name when !WhisperDimensions.Known.ContainsKey(name) =>
            throw new UsageException($"{_shape.Name} must be the name of a published model, but it is '{name}'.{Spelling.Suggest(name, WhisperDimensions.Known.Keys)} The shapes are {string.Join(", ", WhisperDimensions.Known.Keys)}."),
        _ when _model.IsGiven(parsed) =>
            throw new UsageException($"{_shape.Name} makes a model up and --model names one: give only one of them."),
        { } name => name,
    };

    /// <summary>Loads the model or makes up the weights.</summary>
    /// <param name="parsed">The command line.</param>
    /// <param name="accept">Looks at the back end before anything is loaded, and throws where the command cannot use it.</param>
    /// <exception cref="ModelException">The model cannot be used.</exception>
    /// <exception cref="UsageException">There is no such shape, or it comes with options that contradict it.</exception>
    public LoadedNetwork Load(ParseResult parsed, Action<IKernels>? accept = null)
    {
        string? shape = Shape(parsed), folder = shape is null ? _model.Folder(parsed) : null;
        IKernels kernels = _model.CreateKernels(parsed);
        try
        {
            accept?.Invoke(kernels);
            if (shape is null)
            {
                WhisperModel model = WhisperModel.Load(folder!, kernels);
                return new LoadedNetwork(model.Name, kernels, model.Network);
            }

            using SyntheticWeights weights = new(WhisperDimensions.Known[shape], Enum.Parse<DType>(parsed.GetRequiredValue(_type), ignoreCase: true));
            return new LoadedNetwork(shape, kernels, new WhisperNetwork(WhisperDimensions.Known[shape], tiedOutput: true, weights, kernels));
        }
        catch
        {
            kernels.Dispose();
            throw;
        }
    }
}
