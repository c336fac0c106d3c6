using System.Buffers.Binary;
using System.IO.Hashing;
using System.IO.MemoryMappedFiles;
using Handwritten.Kernels;
using Microsoft.Win32.SafeHandles;

namespace Handwritten.Model.Safetensors;

/// <summary>
/// A checkpoint in one file. The file is mapped into memory, so that opening it reads only the header, a tensor is a
/// pointer into the mapping without a copy, and its pages come from the disk when somebody looks at them. The whole
/// header is checked when the file is opened; whatever opens can be read to the last byte. (Only somebody who shortens
/// the file while it is in use can still break that; <see cref="SafetensorsWriter"/> replaces files, it never shortens.)
/// </summary>
public sealed unsafe class SafetensorsFile : ITensorSource
{
    private readonly MemoryMappedFile _file;
    private readonly MemoryMappedViewAccessor _view;
    private readonly SafetensorsHeader _header;
    private readonly long _length;
    private readonly long _dataStart;
    private volatile bool _disposed;

    /// <summary>Opens a file and checks every rule of the format.</summary>
    /// <exception cref="SafetensorsException">It cannot be read or breaks a rule.</exception>
    public SafetensorsFile(string path)
    {
        Origin = path;
        (_file, _view, _length) = Map(path);
        try
        {
            using Bytes file = Claim();
            (_header, _dataStart) = ReadHeader(file.First, _length);
            Names = [.. _header.Tensors.Keys.Order(StringComparer.Ordinal)];
        }
        catch (InvalidDataException broken)
        {
            Dispose();
            throw SafetensorsException.Invalid(path, broken.Message, broken);
        }
    }

    /// <summary>Bytes of the whole file.</summary>
    public long ByteCount => _length;

    /// <summary>The path that was opened.</summary>
    public string Origin { get; }

    /// <inheritdoc/>
    public IReadOnlyList<string> Names { get; }

    /// <summary>The free texts of the file, such as <c>format: pt</c>.</summary>
    public IReadOnlyDictionary<string, string> Metadata => _header.Metadata;

    /// <inheritdoc/>
    public bool Contains(string name) => _header.Tensors.ContainsKey(name);

    /// <summary>A tensor's type and shape.</summary>
    /// <exception cref="SafetensorsException">There is no such tensor.</exception>
    public TensorInfo Describe(string name) => Find(name).Info;

    /// <summary>
    /// A tensor's bytes within the mapping. They stay valid until the tensor is disposed, even if the file is disposed
    /// before; disposing the tensor lets its pages go.
    /// </summary>
    /// <exception cref="SafetensorsException">There is no such tensor.</exception>
    /// <exception cref="ObjectDisposedException">The file is disposed.</exception>
    public HostTensor Open(string name)
    {
        StoredTensor tensor = Find(name);
        Bytes file = Claim();
        byte* first = file.First + _dataStart + tensor.Begin;
        return new HostTensor(name, tensor.Info.Type, tensor.Info.Shape, first, () =>
        {
            ResidentPages.LetGo(first, tensor.End - tensor.Begin);
            file.Dispose();
        });
    }

    /// <summary>
    /// The XXH3 hash of a tensor's bytes (64 bits, seed 0): tells whether numbers changed, not whether to trust them.
    /// </summary>
    /// <exception cref="SafetensorsException">There is no such tensor.</exception>
    public ulong Hash(string name)
    {
        using HostTensor tensor = Open(name);
        return Hash(tensor.Data, tensor.ByteCount);
    }

    /// <summary>The XXH3 hash of the whole file, header included.</summary>
    public ulong Hash()
    {
        using Bytes file = Claim();
        return Hash(file.First, _length);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _disposed = true;
        _view.Dispose();
        _file.Dispose();
    }

    private Bytes Claim()
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        return new Bytes(_view.SafeMemoryMappedViewHandle);
    }

    private StoredTensor Find(string name) => _header.Tensors.TryGetValue(name, out StoredTensor? tensor)
        ? tensor
        : throw SafetensorsException.NoTensor(Origin, name);

    private static (MemoryMappedFile File, MemoryMappedViewAccessor View, long Length) Map(string path)
    {
        MemoryMappedFile? file = null;
        try
        {
            // The length is asked for before anything is opened: a pipe has none, and opening one would wait for a writer.
            // That of a link, as the cache of Hugging Face has them, is its own and not the file's.
            FileInfo named = new(path);
            long length = ((FileInfo?)named.ResolveLinkTarget(returnFinalTarget: true) ?? named).Length;
            if (length < SafetensorsHeader.LengthBytes)
            {
                throw SafetensorsException.Invalid(path, length == 0 ? "it is empty" : $"it has only {length} bytes");
            }

            file = MemoryMappedFile.CreateFromFile(path, FileMode.Open, mapName: null, capacity: 0, MemoryMappedFileAccess.Read);
            return (file, file.CreateViewAccessor(0, length, MemoryMappedFileAccess.Read), length);
        }
        catch (Exception cause) when (cause is IOException or UnauthorizedAccessException or ArgumentException or NotSupportedException)
        {
            file?.Dispose();
            throw SafetensorsException.FromSystem(path, "read", cause);
        }
    }

    private static (SafetensorsHeader Header, long DataStart) ReadHeader(byte* file, long length)
    {
        const int prefix = SafetensorsHeader.LengthBytes;
        ulong claimed = BinaryPrimitives.ReadUInt64LittleEndian(new ReadOnlySpan<byte>(file, prefix));
        if (claimed > SafetensorsHeader.LargestLength || (long)claimed > length - prefix)
        {
            throw new InvalidDataException(claimed > SafetensorsHeader.LargestLength
                ? $"its header claims {claimed} bytes, more than the {SafetensorsHeader.LargestLength} that the format allows"
                : $"its header claims {claimed} bytes, but only {length - prefix} follow");
        }

        long dataStart = prefix + (long)claimed;
        return (SafetensorsHeader.Parse(new ReadOnlySpan<byte>(file + prefix, (int)claimed), length - dataStart), dataStart);
    }

    private static ulong Hash(byte* first, long count)
    {
        const int step = 1 << 24;
        XxHash3 hash = new();
        for (long done = 0; done < count; done += step)
        {
            int length = (int)Math.Min(step, count - done);
            hash.Append(new ReadOnlySpan<byte>(first + done, length));
            ResidentPages.LetGo(first + done, length);
        }

        return hash.GetCurrentHashAsUInt64();
    }

    /// <summary>A claim on the mapping: as long as one is held, the pointer is good, whoever disposes the file.</summary>
    private sealed class Bytes : IDisposable
    {
        private readonly SafeMemoryMappedViewHandle _mapping;

        public Bytes(SafeMemoryMappedViewHandle mapping)
        {
            _mapping = mapping;
            byte* first = null;
            mapping.AcquirePointer(ref first);
            First = first;
        }

        public byte* First { get; }

        public void Dispose() => _mapping.ReleasePointer();
    }
}
