using Microsoft.AspNetCore.Http.Features;

namespace Handwritten.Server.Uploads;

/// <summary>
/// What a client sends, and no more of it than a limit. Kestrel has such a limit too, but behind it nothing can be read any
/// more, not even to hear a client out; see <see cref="BodyLimits"/>.
/// </summary>
/// <param name="body">What Kestrel reads.</param>
/// <param name="announced">Bytes, if the client has told; null otherwise.</param>
/// <param name="most">Bytes that it may send; an endpoint may ask for less before it reads.</param>
internal sealed class LimitedBody(Stream body, long? announced, long most) : Stream, IHttpMaxRequestBodySizeFeature
{
    private long _most = most, _read;

    /// <summary>Whether a limit would come too late.</summary>
    public bool IsReadOnly => _read > 0;

    /// <summary>Bytes that the client may send.</summary>
    public long? MaxRequestBodySize
    {
        get => _most;
        set => _most = value ?? long.MaxValue;
    }

    public override bool CanRead => true;

    public override bool CanSeek => false;

    public override bool CanWrite => false;

    public override long Length => throw new NotSupportedException();

    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    /// <summary>Reads what has come.</summary>
    /// <exception cref="BadHttpRequestException">It is more than is allowed, or will be.</exception>
    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        int count = announced > _most ? 0 : await body.ReadAsync(buffer, cancellationToken);
        _read += count;
        return announced > _most || _read > _most
            ? throw new BadHttpRequestException("The request is too large.", StatusCodes.Status413PayloadTooLarge)
            : count;
    }

    public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    /// <summary>Reads the rest and forgets it.</summary>
    public async Task DrainAsync(CancellationToken cancellation)
    {
        byte[] buffer = new byte[1 << 16];
        while (await body.ReadAsync(buffer, cancellation) > 0)
        {
        }
    }

    public override void Flush() => throw new NotSupportedException();

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();
}
