namespace Handwritten.Server.Uploads;

/// <summary>A folder of this process for recordings that are being worked on; nobody else may look into it.</summary>
internal sealed class Scratch : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("handwritten-server-");

    /// <summary>The folder's path.</summary>
    public string Folder => _folder.FullName;

    /// <summary>Creates a file that goes when it is closed.</summary>
    public FileStream CreateFile() => new(Path.Combine(_folder.FullName, Path.GetRandomFileName()), new FileStreamOptions
    {
        Mode = FileMode.CreateNew,
        Access = FileAccess.ReadWrite,
        Share = FileShare.ReadWrite | FileShare.Delete,
        Options = FileOptions.Asynchronous | FileOptions.DeleteOnClose,
    });

    public void Dispose()
    {
        try
        {
            _folder.Delete(recursive: true);
        }
        catch (IOException)
        {
            // A request that outlived the shutdown still holds its file; the system clears its temporary folder.
        }
    }
}
