using System.Text.Json;
using Handwritten.Server.Errors;
using Handwritten.Server.Uploads;
using Microsoft.AspNetCore.Http.Features;

namespace Handwritten.Server.Requests;

/// <summary>The body of a request that is a JSON object; it goes, and its memory with it, when the request has been understood.</summary>
internal sealed class JsonBody(JsonDocument document, SoundMemory.Share share) : IDisposable
{
    /// <summary>The object.</summary>
    public JsonElement Root => document.RootElement;

    public void Dispose()
    {
        document.Dispose();
        share.Dispose();
    }
}

/// <summary>
/// Reads JSON objects. Recordings in base64 make them large, and they are held in memory: it comes out of the same budget as that of decoded
/// recordings, as the bytes come. Small ones always find room.
/// </summary>
internal sealed class JsonBodies(SoundMemory memory, ServerOptions options)
{
    private const int MostBytes = 32 << 20, SmallBytes = 64 << 10;

    /// <summary>A body is there as bytes, as a text, which takes twice as much, and as what its base64 stands for.</summary>
    private const int Copies = 4;

    /// <summary>Reads a request's body.</summary>
    /// <exception cref="ApiException">It is no JSON object, or there will never be memory for it.</exception>
    /// <exception cref="Runtime.Serving.EngineBusyException">There is no memory for it now.</exception>
    /// <exception cref="BadHttpRequestException">It is too large, or takes longer than a recording may take to be fetched.</exception>
    public async Task<JsonBody> ReadAsync(HttpRequest request, CancellationToken cancellation)
    {
        if (!request.HasJsonContentType())
        {
            throw new ApiException(StatusCodes.Status415UnsupportedMediaType, "The body must be JSON (application/json).", code: "unsupported_media_type");
        }

        if (request.HttpContext.Features.Get<IHttpMaxRequestBodySizeFeature>() is { IsReadOnly: false } limit)
        {
            limit.MaxRequestBodySize = Math.Min(limit.MaxRequestBodySize ?? MostBytes, MostBytes);
        }

        SoundMemory.Share share = memory.Open();
        try
        {
            JsonDocument document = ReadableJson.Parse(await ReadAsync(request.Body, share, cancellation));
            return document.RootElement.ValueKind == JsonValueKind.Object ? new JsonBody(document, share) : throw Malformed("The body must be a JSON object.");
        }
        catch (JsonException failure)
        {
            share.Dispose();
            throw Malformed($"The body is no JSON: {failure.Message}");
        }
        catch
        {
            share.Dispose();
            throw;
        }
    }

    private async Task<ReadOnlyMemory<byte>> ReadAsync(Stream body, SoundMemory.Share share, CancellationToken cancellation)
    {
        using CancellationTokenSource limit = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        limit.CancelAfter(options.DecodingTimeout);
        MemoryStream json = new();
        byte[] piece = new byte[1 << 16];
        try
        {
            while (await body.ReadAsync(piece, limit.Token) is int count and > 0)
            {
                json.Write(piece, 0, count);
                if (json.Length > SmallBytes)
                {
                    share.Grow(json.Length * Copies / SoundMemory.BytesPerSample);
                }
            }
        }
        catch (OperationCanceledException failure) when (!cancellation.IsCancellationRequested)
        {
            throw new BadHttpRequestException("The body takes too long.", StatusCodes.Status408RequestTimeout, failure);
        }

        return json.GetBuffer().AsMemory(0, (int)json.Length);
    }

    private static ApiException Malformed(string message) => new(StatusCodes.Status400BadRequest, message, code: "malformed_json");
}
