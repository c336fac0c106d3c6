namespace Handwritten.Runtime.Audio;

/// <summary>
/// A stream that can be read again from its beginning, though what it reads from is a pipe: it keeps what it has
/// handed out. This is how one looks at the first bytes of standard input to see what it is, and then gives all of it
/// to whoever can read that.
/// </summary>
/// <param name="source">Where the bytes come from; not closed.</param>
internal sealed class RewindableStream(Stream source) : Stream
{
    private readonly MemoryStream _kept = new();
    private bool _keeping = true;

    /// <inheritdoc/>
    public override bool CanRead => true;

    /// <inheritdoc/>
    public override bool CanSeek => false;

    /// <inheritdoc/>
    public override bool CanWrite => false;

    /// <inheritdoc/>
    public override long Length => throw new NotSupportedException();

    /// <inheritdoc/>
    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    /// <summary>Starts again at the first byte.</summary>
    public void Rewind() => _kept.Position = _keeping ? 0 : throw new InvalidOperationException("The beginning was let go.");

    /// <summary>Keeps no more: there will be no other <see cref="Rewind"/>.</summary>
    public void LetGo() => _keeping = false;

    /// <inheritdoc/>
    public override int Read(Span<byte> buffer)
    {
        int count = _kept.Read(buffer);
        if (count == 0)
        {
            count = source.Read(buffer);
            if (_keeping)
            {
                _kept.Write(buffer[..count]);
            }
        }

        return count;
    }

    /// <inheritdoc/>
    public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

    /// <inheritdoc/>
    public override void Flush()
    {
    }

    /// <inheritdoc/>
    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    /// <inheritdoc/>
    public override void SetLength(long value) => throw new NotSupportedException();

    /// <inheritdoc/>
    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();
}
