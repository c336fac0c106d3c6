using Handwritten.Server.Access;

namespace Handwritten.Server.Tests.Access;

/// <summary>A file of API keys that goes with the test.</summary>
internal sealed class TemporaryKeys : IDisposable
{
    public string Path { get; } = System.IO.Path.GetTempFileName();

    /// <summary>Adds a client.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="rest">The rest of its line.</param>
    /// <returns>Its key.</returns>
    public string Add(string name, string rest = "")
    {
        (string key, string hash) = ApiKeyFile.Create();
        File.AppendAllText(Path, $"{name} {hash}{rest}\n");
        return key;
    }

    public void Dispose() => File.Delete(Path);
}
