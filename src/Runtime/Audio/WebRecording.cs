using System.Globalization;
using System.Net;

namespace Handwritten.Runtime.Audio;

/// <summary>How much of a stranger's server to bear.</summary>
/// <param name="Bytes">The largest recording, in bytes.</param>
/// <param name="Time">The longest time that it may take in all.</param>
public sealed record WebLimits(long Bytes, TimeSpan Time)
{
    /// <summary>1 GB in ten minutes.</summary>
    public static WebLimits Default { get; } = new(1_000_000_000, TimeSpan.FromMinutes(10));

    /// <summary>.NET's arrays end at 2 GB.</summary>
    public static long MostBytes => Array.MaxLength;
}

/// <summary>
/// Recordings at http and https addresses. They come into memory, never into a file, and no further than the limits, whatever
/// the server says about their length.
/// </summary>
public static class WebRecording
{
    private const int MostRedirections = 8;

    /// <summary>Whether a name is an address rather than a file.</summary>
    public static bool IsAddress(string name) => TryParse(name) is not null;

    /// <summary>
    /// The file's name in an address (<c>talk 1.mp3</c> of <c>https://example.org/a/talk%201.mp3?key=1</c>), or the host
    /// where there is none.
    /// </summary>
    /// <exception cref="ArgumentException">It is no address.</exception>
    public static string FileName(string address)
    {
        Uri uri = TryParse(address) ?? throw new ArgumentException($"'{address}' is no address.", nameof(address));
        return Uri.UnescapeDataString(uri.Segments[^1].Trim('/')) is { Length: > 0 } name ? name : uri.Host;
    }

    /// <summary>The address as it may be shown: without what often is a secret, the part from the question mark on.</summary>
    public static string Shown(string address) => TryParse(address) is { } uri ? $"{uri.Scheme}://{uri.Authority}{uri.AbsolutePath}" : address;

    /// <summary>Downloads a recording and decodes it.</summary>
    /// <param name="address">Its address.</param>
    /// <param name="headers">What to send along, such as an Authorization; only to the address's own host.</param>
    /// <param name="limits">How much to bear.</param>
    /// <param name="ffmpeg">Reads what is not WAV.</param>
    /// <param name="cancellation">Ends it.</param>
    /// <exception cref="AudioException">It cannot be had or read; the message says why in one sentence.</exception>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    public static AudioClip Load(string address, IReadOnlyList<WebHeader> headers, WebLimits limits, Ffmpeg ffmpeg, CancellationToken cancellation = default)
    {
        using MemoryStream recording = Download(address, headers, limits, cancellation);
        return AudioFile.Load(recording, $"'{Shown(address)}'", ffmpeg, cancellation);
    }

    /// <summary>Downloads a recording's file.</summary>
    /// <param name="address">Its address.</param>
    /// <param name="headers">What to send along, such as an Authorization; only to the address's own host.</param>
    /// <param name="limits">How much to bear.</param>
    /// <param name="cancellation">Ends it.</param>
    /// <returns>The file, to be read from its first byte on.</returns>
    /// <exception cref="AudioException">It cannot be had; the message says why in one sentence.</exception>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    public static MemoryStream Download(string address, IReadOnlyList<WebHeader> headers, WebLimits limits, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(headers);
        ArgumentNullException.ThrowIfNull(limits);
        Uri uri = TryParse(address) ?? throw new AudioException($"'{address}' is no http or https address.");
        return DownloadAsync(uri, $"'{Shown(address)}'", headers, limits, cancellation).GetAwaiter().GetResult();
    }

    private static async Task<MemoryStream> DownloadAsync(Uri address, string name, IReadOnlyList<WebHeader> headers, WebLimits limits, CancellationToken cancellation)
    {
        using CancellationTokenSource clock = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        clock.CancelAfter(limits.Time);
        using SocketsHttpHandler handler = new() { AllowAutoRedirect = false, AutomaticDecompression = DecompressionMethods.All, ConnectTimeout = TimeSpan.FromSeconds(15) };
        using HttpClient http = new(handler) { Timeout = Timeout.InfiniteTimeSpan };
        try
        {
            using HttpResponseMessage response = await SendAsync(http, address, name, headers, clock.Token);
            long? length = response.Content.Headers.ContentLength;
            if (length > limits.Bytes)
            {
                throw TooLarge(name, limits);
            }

            MemoryStream recording = new();
            using Stream body = await response.Content.ReadAsStreamAsync(clock.Token);
            byte[] buffer = new byte[1 << 16];
            while (await body.ReadAsync(buffer, clock.Token) is int count and > 0)
            {
                if (recording.Length + count > limits.Bytes)
                {
                    throw TooLarge(name, limits);
                }

                recording.Write(buffer, 0, count);
            }

            recording.Position = 0;
            return recording;
        }
        catch (OperationCanceledException exception) when (!cancellation.IsCancellationRequested)
        {
            throw new AudioException(string.Create(CultureInfo.InvariantCulture, $"{name} takes longer than {limits.Time.TotalSeconds:0.###} seconds to download: allow more time, or download it first."), exception);
        }
        catch (Exception exception) when (exception is HttpRequestException or IOException)
        {
            throw new AudioException($"{name} cannot be downloaded: {(exception.InnerException ?? exception).Message.TrimEnd('.')}.", exception);
        }
    }

    private static async Task<HttpResponseMessage> SendAsync(HttpClient http, Uri address, string name, IReadOnlyList<WebHeader> headers, CancellationToken cancellation)
    {
        string host = address.Authority;
        for (int redirections = 0; redirections <= MostRedirections; redirections++)
        {
            using HttpRequestMessage request = new(HttpMethod.Get, address);
            foreach (WebHeader header in address.Authority == host ? headers : [])
            {
                if (!header.IsValid || !request.Headers.TryAddWithoutValidation(header.Name, header.Value))
                {
                    throw new AudioException($"The header '{header.Name}' cannot be sent along with the request for {name}.");
                }
            }

            HttpResponseMessage response = await http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, cancellation);
            if (response.IsSuccessStatusCode)
            {
                return response;
            }

            using (response)
            {
                if ((int)response.StatusCode is not (301 or 302 or 303 or 307 or 308) || response.Headers.Location is not { } location)
                {
                    throw new AudioException($"{name} cannot be downloaded: the server answers {(int)response.StatusCode} {response.ReasonPhrase}{Advice(response.StatusCode)}.");
                }

                Uri next = new(address, location);
                if (next.Scheme != Uri.UriSchemeHttps && next.Scheme != address.Scheme)
                {
                    throw new AudioException($"{name} is redirected to '{next.Scheme}', which is not followed from '{address.Scheme}'.");
                }

                address = next;
            }
        }

        throw new AudioException($"{name} is redirected in a circle.");
    }

    private static string Advice(HttpStatusCode status) => status switch
    {
        HttpStatusCode.Unauthorized or HttpStatusCode.Forbidden => ", so it may want a header such as 'Authorization: Bearer ...'",
        HttpStatusCode.NotFound => ", so check the address",
        HttpStatusCode.TooManyRequests or >= HttpStatusCode.InternalServerError => ", so try again later",
        _ => "",
    };

    private static AudioException TooLarge(string name, WebLimits limits) =>
        new(string.Create(CultureInfo.InvariantCulture, $"{name} is larger than {limits.Bytes / 1e6:0.######} MB: allow a larger download, or download it first."));

    private static Uri? TryParse(string name) =>
        (name.StartsWith("http://", StringComparison.OrdinalIgnoreCase) || name.StartsWith("https://", StringComparison.OrdinalIgnoreCase))
        && Uri.TryCreate(name, UriKind.Absolute, out Uri? uri) ? uri : null;
}
