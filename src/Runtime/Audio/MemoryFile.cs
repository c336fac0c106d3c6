using System.Globalization;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Handwritten.Runtime.Audio;

/// <summary>
/// A file in memory that has no name in any folder, for programs that must jump about in what they read. Linux has such
/// files (memfd_create); another program opens this process's handle by its path below <c>/proc</c>, so it need not inherit it.
/// Nothing of it is ever on a disk, and it is gone with its last handle, however this process ends.
/// </summary>
internal sealed partial class MemoryFile : IDisposable
{
    private const uint CloseOnExec = 1;

    private readonly SafeFileHandle _handle;

    private MemoryFile(int descriptor) => _handle = new SafeFileHandle(descriptor, ownsHandle: true);

    /// <summary>The path by which other programs of this user open it.</summary>
    public string Path => string.Create(CultureInfo.InvariantCulture, $"/proc/{Environment.ProcessId}/fd/{_handle.DangerousGetHandle()}");

    /// <summary>Makes an empty one; null where the system has none.</summary>
    public static MemoryFile? TryCreate()
    {
        if (!OperatingSystem.IsLinux())
        {
            return null;
        }

        try
        {
            MemoryFile? file = Create("recording", CloseOnExec) is int descriptor and >= 0 ? new MemoryFile(descriptor) : null;
            if (file is not null && !File.Exists(file.Path))
            {
                file.Dispose(); // there is no /proc
                return null;
            }

            return file;
        }
        catch (EntryPointNotFoundException)
        {
            return null;
        }
    }

    /// <summary>Copies a stream into it.</summary>
    /// <param name="stream">Read to its end; not closed.</param>
    /// <param name="name">What to call it in messages.</param>
    /// <param name="cancellation">Ends the wait, also for a stream that gives nothing.</param>
    /// <exception cref="AudioException">The stream is larger than half of the memory.</exception>
    /// <exception cref="IOException">The stream cannot be read.</exception>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    public void Fill(Stream stream, string name, CancellationToken cancellation) =>
        Task.Run(() => Copy(stream, name, cancellation), cancellation).WaitAsync(cancellation).GetAwaiter().GetResult();

    /// <inheritdoc/>
    public void Dispose() => _handle.Dispose();

    private void Copy(Stream stream, string name, CancellationToken cancellation)
    {
        long most = GC.GetGCMemoryInfo().TotalAvailableMemoryBytes / 2, length = 0;
        byte[] buffer = new byte[1 << 16];
        while (stream.Read(buffer) is int count and > 0)
        {
            cancellation.ThrowIfCancellationRequested();
            if (length + count > most)
            {
                throw new AudioException(string.Create(CultureInfo.InvariantCulture, $"{name} is larger than the {most / 1e9:0.#} GB of memory that it may take: give the name of a file."));
            }

            RandomAccess.Write(_handle, buffer.AsSpan(0, count), length);
            length += count;
        }
    }

    [LibraryImport("libc", EntryPoint = "memfd_create", StringMarshalling = StringMarshalling.Utf8)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int Create(string name, uint flags);
}
