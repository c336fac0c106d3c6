using System.Net;
using System.Net.Http.Headers;

namespace Handwritten.Runtime.Hub;

/// <summary>
/// A stretch of a file on its way here. What the server says about it is compared with what was asked for: its place, its
/// length, the length of the whole file and, where the hub gives it, the hash.
/// </summary>
internal sealed class FileRange : IDisposable
{
    private readonly HubResponse _response;
    private long _remaining;

    private FileRange(HubResponse response, long count)
    {
        _response = response;
        _remaining = count;
    }

    /// <summary>Asks for the bytes from <paramref name="start"/> to before <paramref name="end"/>.</summary>
    /// <exception cref="PassingTroubleException">It fails, but may be worth another try.</exception>
    /// <exception cref="HubException">It fails, or the answer is not what was asked for.</exception>
    public static async Task<FileRange> OpenAsync(
        HttpConnection connection, HubRequest request, Uri address, HubFile file, long start, long end, CancellationToken cancellation)
    {
        bool whole = start == 0 && end == file.Size;
        HubResponse response = await connection.GetAsync(request, address, whole ? null : new RangeHeaderValue(start, end - 1), cancellation);
        try
        {
            Verify(response, file, whole, start, end);
            return new FileRange(response, end - start);
        }
        catch
        {
            response.Dispose();
            throw;
        }
    }

    /// <summary>The next bytes, valid until the next call; none at the end.</summary>
    /// <exception cref="PassingTroubleException">The connection is cut, or silent.</exception>
    public async ValueTask<ReadOnlyMemory<byte>> ReadAsync(CancellationToken cancellation)
    {
        ReadOnlyMemory<byte> bytes = await _response.ReadAsync(cancellation);
        bytes = bytes[..(int)Math.Min(bytes.Length, _remaining)];
        _remaining -= bytes.Length;
        return bytes;
    }

    public void Dispose() => _response.Dispose();

    private static void Verify(HubResponse response, HubFile file, bool whole, long start, long end)
    {
        HttpContentHeaders headers = response.Message.Content.Headers;
        if (file.IsLarge && response.LinkedHash is { } hash && hash != file.Hash)
        {
            throw new HubException($"The hub lists '{file.Path}' with SHA-256 {file.Hash[..12]}..., but sends one with {hash[..Math.Min(12, hash.Length)]}...: try again later.");
        }

        if (!whole && response.Message.StatusCode != HttpStatusCode.PartialContent)
        {
            throw new HubException($"'{file.Path}' cannot be had in parts ({(int)response.Message.StatusCode} instead of 206): use an HF_ENDPOINT that serves ranges.");
        }

        if (headers.ContentRange is { } range && (range.From != start || range.To != end - 1))
        {
            throw new HubException($"Bytes {start} to {end - 1} of '{file.Path}' were asked for, but the server sends {range.From} to {range.To}: use another HF_ENDPOINT.");
        }

        if (headers.ContentRange?.Length is { } total && total != file.Size)
        {
            throw WrongSize(file, total);
        }

        if (headers.ContentLength is { } length && length != end - start)
        {
            throw WrongSize(file, start + length);
        }
    }

    private static HubException WrongSize(HubFile file, long size) =>
        new($"The hub lists '{file.Path}' with {file.Size} bytes, but the server sends one of {size}: try again later, or use another HF_ENDPOINT.");
}
