namespace Handwritten.Model.Safetensors;

/// <summary>
/// A checkpoint that cannot be read or written. The message is one sentence: which file, which tensor, which rule of
/// the format, and what to do.
/// </summary>
public sealed class SafetensorsException : ModelException
{
    /// <summary>Creates the exception with its sentence.</summary>
    public SafetensorsException(string message)
        : base(message)
    {
    }

    /// <summary>Creates the exception with its sentence and the cause.</summary>
    public SafetensorsException(string message, Exception innerException)
        : base(message, innerException)
    {
    }

    /// <summary>A file that breaks a rule: damaged, cut, or never what its name says.</summary>
    internal static SafetensorsException Invalid(string path, string rule, Exception? cause = null) =>
        new($"'{path}' cannot be used as a checkpoint: {rule}; download or convert it again.", cause!);

    /// <summary>A checkpoint that is fine but holds something else.</summary>
    internal static SafetensorsException NoTensor(string path, string name) =>
        new($"'{path}' has no tensor {Quote(name)}; it is not the checkpoint of this model.");

    /// <summary>What the operating system says about a path: not there, not allowed, disk full.</summary>
    internal static SafetensorsException FromSystem(string path, string action, Exception cause) => cause switch
    {
        _ when Directory.Exists(path) =>
            new($"'{path}' cannot be {action} because it is a folder; give a file.", cause),
        FileNotFoundException or DirectoryNotFoundException =>
            new($"'{path}' cannot be {action} because it does not exist; check the path.", cause),
        UnauthorizedAccessException =>
            new($"'{path}' cannot be {action} because access is denied; check its permissions.", cause),
        _ => new($"'{path}' cannot be {action}: {cause.Message.TrimEnd('.')}; check the disk and the path.", cause),
    };

    /// <summary>
    /// Text out of a file, fit for a sentence on a terminal: quoted, no control characters, no megabytes.
    /// </summary>
    internal static string Quote(string text)
    {
        const int longest = 120;
        string shown = text.Length <= longest ? text : text[..longest] + "…";
        return $"'{string.Concat(shown.Select(c => char.IsControl(c) || char.IsSurrogate(c) ? '\uFFFD' : c))}'";
    }
}
