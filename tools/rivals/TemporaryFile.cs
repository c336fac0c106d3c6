namespace Handwritten.Rivals;

/// <summary>A file that goes when it is not needed any more.</summary>
internal sealed class TemporaryFile : IDisposable
{
    /// <summary>Where it is.</summary>
    public string Path { get; } = System.IO.Path.GetTempFileName();

    public void Dispose() => File.Delete(Path);
}
