using Handwritten.Server.Errors;

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
        BufferSize = 0, // so that what cannot be written fails where it is written
    });

    /// <summary>Writes a part of a recording into a file.</summary>
    /// <param name="file">The file.</param>
    /// <param name="bytes">The part.</param>
    /// <param name="cancellation">Ends it.</param>
    /// <exception cref="ApiException">There is no room: nothing that the client could mend.</exception>
    public static async ValueTask WriteAsync(FileStream file, ReadOnlyMemory<byte> bytes, CancellationToken cancellation)
    {
        try
        {
            await file.WriteAsync(bytes, cancellation);
        }
        catch (Exception failure) when (failure is IOException or ArgumentOutOfRangeException)
        {
            // The second is what .NET makes of a file that is too large for its file system or for what the process may write.
            throw ApiErrors.NoStorage(failure);
        }
    }

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
