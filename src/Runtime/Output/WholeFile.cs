namespace Handwritten.Runtime.Output;

/// <summary>
/// Files that appear all at once or not at all: they are written under a passing name in the same folder and then
/// renamed, which a file system does in one step. Whoever watches the folder never sees half a file, and an older one
/// survives a full disk.
/// </summary>
public static class WholeFile
{
    /// <summary>Writes a file; one of that name is replaced.</summary>
    /// <param name="path">Where to; its folder exists.</param>
    /// <param name="write">Writes the content.</param>
    /// <exception cref="IOException">It cannot be written.</exception>
    /// <exception cref="UnauthorizedAccessException">It may not be written.</exception>
    public static void Write(string path, Action<Stream> write)
    {
        ArgumentNullException.ThrowIfNull(write);
        string passing = PassingName(Path.GetDirectoryName(Path.GetFullPath(path))!);
        try
        {
            using (FileStream file = new(passing, FileMode.CreateNew, FileAccess.Write, FileShare.None))
            {
                write(file);
            }

            File.Move(passing, path, overwrite: true);
        }
        catch
        {
            File.Delete(passing);
            throw;
        }
    }

    /// <summary>A name that no other file in the folder has.</summary>
    internal static string PassingName(string folder) => Path.Combine(folder, $".{Guid.NewGuid():N}.tmp");
}
