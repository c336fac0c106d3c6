using Microsoft.Win32.SafeHandles;

namespace Handwritten.Runtime.Hub;

/// <summary>
/// A file that is being downloaded in pieces which come in any order, also over several runs of the program:
/// <code>
///     | piece 0 | piece 1 | ... | rest |  one byte a piece: 1 where it is here  |
///     └───── the file's own bytes ─────┘
/// </code>
/// So what is missing is known from the file itself. When nothing is, the bytes at the end are cut off.
/// </summary>
internal sealed class PartialFile : IDisposable
{
    private readonly SafeFileHandle _file;
    private readonly long _size;
    private readonly int _pieceBytes;
    private readonly byte[] _done;

    /// <summary>Opens what there is, or begins.</summary>
    /// <param name="path">Where.</param>
    /// <param name="size">The whole file's size in bytes.</param>
    /// <param name="pieceBytes">Size of all pieces but the last.</param>
    /// <exception cref="IOException">It cannot be opened; another process may be downloading the same file.</exception>
    public PartialFile(string path, long size, int pieceBytes)
    {
        _size = size;
        _pieceBytes = pieceBytes;
        _done = new byte[checked((int)((size + pieceBytes - 1) / pieceBytes))];
        _file = File.OpenHandle(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None, FileOptions.Asynchronous);
        try
        {
            // Of another length it is of another file, or cut into other pieces.
            if (RandomAccess.GetLength(_file) == size + _done.Length)
            {
                RandomAccess.Read(_file, _done, size);
            }
            else
            {
                RandomAccess.SetLength(_file, 0);
                RandomAccess.SetLength(_file, size + _done.Length);
            }
        }
        catch
        {
            _file.Dispose();
            throw;
        }
    }

    /// <summary>The pieces to fetch: number, first byte, number of bytes.</summary>
    public IEnumerable<(int Piece, long Start, int Count)> Missing =>
        from piece in Enumerable.Range(0, _done.Length)
        where _done[piece] != 1
        let start = (long)piece * _pieceBytes
        select (piece, start, (int)Math.Min(_pieceBytes, _size - start));

    /// <summary>Writes bytes to their place.</summary>
    public ValueTask WriteAsync(long start, ReadOnlyMemory<byte> bytes, CancellationToken cancellation) => RandomAccess.WriteAsync(_file, bytes, start, cancellation);

    /// <summary>Notes that all bytes of a piece have been written.</summary>
    public void Finish(int piece)
    {
        _done[piece] = 1;
        RandomAccess.Write(_file, _done.AsSpan(piece, 1), _size + piece);
    }

    /// <summary>Whether the content, all of which must be here, hashes to what it should.</summary>
    public bool IsGenuine(HubFile file, CancellationToken cancellation) => ContentHash.Matches(_file, file, cancellation);

    /// <summary>
    /// Makes it the file itself, on the disk: whoever finds a file of that name and length believes it, also after a power cut.
    /// To be closed and renamed then.
    /// </summary>
    public void Complete()
    {
        RandomAccess.SetLength(_file, _size);
        RandomAccess.FlushToDisk(_file);
    }

    public void Dispose() => _file.Dispose();
}
