using System.Text;

namespace Handwritten.Runtime.Output;

/// <summary>
/// A file that appears all at once or not at all: it is written under a passing name in the same folder and then
/// renamed, which a file system does in one step. Whoever watches the folder never sees half a file, and an older one
/// survives a full disk.
/// </summary>
public sealed class WholeFile : IDisposable
{
    /// <summary>Bytes of a name, in nearly all file systems.</summary>
    private const int LongestName = 255;

    private readonly string _path, _passing;
    private bool _isThere;

    /// <summary>Writes the file under a passing name.</summary>
    /// <param name="path">Where it is to appear; its folder exists.</param>
    /// <param name="write">Writes the content.</param>
    /// <exception cref="IOException">It cannot be written, or a folder has its name.</exception>
    /// <exception cref="UnauthorizedAccessException">It may not be written.</exception>
    public WholeFile(string path, Action<Stream> write)
    {
        ArgumentNullException.ThrowIfNull(write);
        if (Directory.Exists(path))
        {
            throw new IOException("there is a folder of that name");
        }

        // What could not be renamed must not be written: others may have appeared by then.
        if (Encoding.UTF8.GetByteCount(Path.GetFileName(path)) > LongestName)
        {
            throw new IOException($"its name has more than {LongestName} bytes");
        }

        (_path, _passing) = (path, PassingName(Path.GetDirectoryName(Path.GetFullPath(path))!));
        try
        {
            using FileStream file = new(_passing, FileMode.CreateNew, FileAccess.Write, FileShare.None);
            write(file);
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>Writes a file; one of that name is replaced.</summary>
    /// <inheritdoc cref="WholeFile(string, Action{Stream})"/>
    public static void Write(string path, Action<Stream> write)
    {
        using WholeFile file = new(path, write);
        file.Appear();
    }

    /// <summary>Gives the file its name; one of that name is replaced.</summary>
    /// <exception cref="IOException">It cannot be renamed.</exception>
    /// <exception cref="UnauthorizedAccessException">It may not be renamed.</exception>
    public void Appear()
    {
        File.Move(_passing, _path, overwrite: true);
        _isThere = true;
    }

    /// <summary>Deletes what has not appeared.</summary>
    public void Dispose()
    {
        if (!_isThere)
        {
            File.Delete(_passing);
        }
    }

    /// <summary>A name that no other file in the folder has.</summary>
    internal static string PassingName(string folder) => Path.Combine(folder, $".{Guid.NewGuid():N}.tmp");
}
