using System.Net;
using System.Net.Sockets;
using Handwritten.Runtime.Audio;
using Handwritten.Server.Errors;
using Handwritten.Server.Uploads;

namespace Handwritten.Server.Remote;

/// <summary>
/// Fetches recordings from, and posts results to, addresses that clients name. The rules are applied where the connection is
/// made, to the address that is connected to: a name that resolves to another address the second time, or a redirect, meets
/// them as well.
/// </summary>
internal sealed class RemoteClient : IDisposable
{
    private const int MostRedirects = 5;

    /// <summary>Headers that say where a request goes and where it ends, which is not the client's to say.</summary>
    private static readonly string[] NoHeaders =
        ["Host", "Connection", "Content-Length", "Transfer-Encoding", "TE", "Trailer", "Upgrade", "Expect", "Keep-Alive", "Proxy-Connection", "Proxy-Authorization"];

    private readonly AddressRules _rules;
    private readonly ServerOptions _options;
    private readonly HttpClient _http;

    public RemoteClient(ServerOptions options)
    {
        (_options, _rules) = (options, new AddressRules(options));
        _http = new HttpClient(new SocketsHttpHandler
        {
            ConnectCallback = ConnectAsync,
            AllowAutoRedirect = false,
            UseProxy = false, // a proxy would connect where the rules do not look
            UseCookies = false,
            ConnectTimeout = TimeSpan.FromSeconds(10),
            PooledConnectionLifetime = TimeSpan.FromMinutes(1),
        })
        {
            Timeout = Timeout.InfiniteTimeSpan,
        };
    }

    /// <summary>Reads an address that a client gave.</summary>
    /// <param name="field">Where it stood.</param>
    /// <param name="text">The address.</param>
    /// <exception cref="ApiException">It is none, or its host is not allowed.</exception>
    public Uri Parse(string field, string text)
    {
        if (text.Any(char.IsControl) || !Uri.TryCreate(text, UriKind.Absolute, out Uri? address) || address.Scheme is not ("http" or "https"))
        {
            throw ApiException.BadField(field, $"{field} must be an address that begins with http:// or https://.");
        }

        RequireAllowed(field, address);
        return address;
    }

    /// <summary>Refuses headers that cannot be sent along, or would be more than headers.</summary>
    /// <param name="field">Where they stood.</param>
    /// <param name="headers">Their values by their names.</param>
    /// <returns>The same headers.</returns>
    /// <exception cref="ApiException">One of them is such.</exception>
    public static IReadOnlyDictionary<string, string> RequireHeaders(string field, IReadOnlyDictionary<string, string> headers)
    {
        using HttpRequestMessage probe = new(); // it knows which headers are the body's
        foreach ((string name, string value) in headers)
        {
            if (!new WebHeader(name, value).IsValid || NoHeaders.Contains(name, StringComparer.OrdinalIgnoreCase) || !probe.Headers.TryAddWithoutValidation(name, value))
            {
                string shown = new([.. name.Where(letter => !char.IsControl(letter)).Take(100)]);
                throw ApiException.BadField(field, $"The header '{shown}' cannot be sent: a name is a word, a value printable ASCII, and what belongs to the connection or the body is not for clients to set.");
            }
        }

        return headers;
    }

    /// <summary>Fetches a recording into a file.</summary>
    /// <param name="address">From where.</param>
    /// <param name="headers">What else to send, by <see cref="RequireHeaders"/>; to no other host, should that one redirect.</param>
    /// <param name="file">Where to.</param>
    /// <param name="cancellation">Ends it.</param>
    /// <exception cref="ApiException">It cannot be fetched, or is too large.</exception>
    public async Task FetchAsync(Uri address, IReadOnlyDictionary<string, string> headers, FileStream file, CancellationToken cancellation)
    {
        using CancellationTokenSource limit = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        limit.CancelAfter(_options.DecodingTimeout);
        try
        {
            using HttpResponseMessage response = await GetAsync(address, headers, limit.Token);
            if (response.Content.Headers.ContentLength > _options.MaximumUploadBytes)
            {
                throw ApiErrors.TooLarge();
            }

            await using Stream body = await response.Content.ReadAsStreamAsync(limit.Token);
            byte[] buffer = new byte[1 << 16];
            while (await body.ReadAsync(buffer, limit.Token) is int count and > 0)
            {
                if (file.Length + count > _options.MaximumUploadBytes)
                {
                    throw ApiErrors.TooLarge();
                }

                await Scratch.WriteAsync(file, buffer.AsMemory(0, count), limit.Token);
            }
        }
        catch (Exception failure) when (failure is HttpRequestException or IOException || (failure is OperationCanceledException && !cancellation.IsCancellationRequested))
        {
            throw Unreachable(address, failure);
        }
    }

    /// <summary>Posts JSON once.</summary>
    /// <returns>Whether the receiver took it.</returns>
    public async Task<bool> PostAsync(Uri address, byte[] json, IEnumerable<KeyValuePair<string, string>> headers, TimeSpan timeout, CancellationToken cancellation)
    {
        using CancellationTokenSource limit = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        limit.CancelAfter(timeout);
        using HttpRequestMessage request = new(HttpMethod.Post, address) { Content = new ByteArrayContent(json) };
        request.Content.Headers.ContentType = new("application/json");
        foreach ((string name, string value) in headers)
        {
            request.Headers.TryAddWithoutValidation(name, value);
        }

        try
        {
            using HttpResponseMessage response = await _http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, limit.Token);
            return response.IsSuccessStatusCode;
        }
        catch (Exception failure) when (failure is HttpRequestException or IOException or OperationCanceledException && !cancellation.IsCancellationRequested)
        {
            return false;
        }
    }

    public void Dispose() => _http.Dispose();

    private async Task<HttpResponseMessage> GetAsync(Uri address, IReadOnlyDictionary<string, string> headers, CancellationToken cancellation)
    {
        Uri next = address;
        for (int redirects = 0; redirects <= MostRedirects; redirects++)
        {
            using HttpRequestMessage request = new(HttpMethod.Get, next);
            foreach ((string name, string value) in next.Authority == address.Authority && next.Scheme == address.Scheme ? headers : new Dictionary<string, string>())
            {
                request.Headers.TryAddWithoutValidation(name, value);
            }

            HttpResponseMessage response = await _http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, cancellation);
            if (response.IsSuccessStatusCode)
            {
                return response;
            }

            using (response)
            {
                if (response is not { StatusCode: >= HttpStatusCode.MultipleChoices and < HttpStatusCode.BadRequest, Headers.Location: { } location })
                {
                    throw Refused(address, $"its server answers {(int)response.StatusCode}");
                }

                next = Uri.TryCreate(next, location, out Uri? target) ? Parse("audio_url", target.AbsoluteUri) : throw Refused(address, "it redirects to what is no address");
            }
        }

        throw Refused(address, $"it redirects more than {MostRedirects} times");
    }

    private async ValueTask<Stream> ConnectAsync(SocketsHttpConnectionContext context, CancellationToken cancellation)
    {
        IPAddress[] addresses = await Dns.GetHostAddressesAsync(context.DnsEndPoint.Host, cancellation);
        IPAddress[] allowed = [.. addresses.Where(_rules.Allows)];
        if (allowed.Length == 0)
        {
            throw new HttpRequestException(addresses.Length == 0 ? "The host has no address." : "The host's address belongs to a private network.");
        }

        Socket socket = new(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            await socket.ConnectAsync(allowed, context.DnsEndPoint.Port, cancellation);
            return new NetworkStream(socket, ownsSocket: true);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    private void RequireAllowed(string field, Uri address)
    {
        bool isPrivate = IPAddress.TryParse(address.IdnHost.Trim('[', ']'), out IPAddress? literal) && !_rules.Allows(literal);
        if (isPrivate || !_rules.Allows(address.IdnHost))
        {
            throw ApiException.BadField(field, $"This server does not connect to '{address.IdnHost}'.", "address_not_allowed");
        }
    }

    private static ApiException Unreachable(Uri address, Exception failure) => Refused(address, failure switch
    {
        OperationCanceledException => "it takes too long",
        { InnerException: SocketException } or HttpRequestException => "its host cannot be reached, or belongs to a private network",
        _ => "the connection broke",
    }, failure);

    /// <summary>Without the query and the user: addresses carry secrets there.</summary>
    private static ApiException Refused(Uri address, string why, Exception? failure = null) => new(
        StatusCodes.Status400BadRequest, $"The recording at {address.GetComponents(UriComponents.SchemeAndServer | UriComponents.Path, UriFormat.UriEscaped)} cannot be fetched: {why}.", parameter: "audio_url", code: "unreachable_audio", innerException: failure);
}
