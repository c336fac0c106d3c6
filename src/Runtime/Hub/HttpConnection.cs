using System.Net.Http.Headers;
using System.Reflection;

namespace Handwritten.Runtime.Hub;

/// <summary>
/// Sends requests, follows redirections, and turns whatever goes wrong into sentences. The token goes to the endpoint
/// alone: the storage that the hub redirects to has addresses that are signed.
/// </summary>
internal sealed class HttpConnection : IDisposable
{
    private const int MostRedirections = 8;

    private readonly HubOptions _options;

    private readonly HttpClient _http;

    public HttpConnection(HubOptions options)
    {
        _options = options;
        SocketsHttpHandler handler = new()
        {
            AllowAutoRedirect = false,
            ConnectTimeout = TimeSpan.FromSeconds(15),
            MaxConnectionsPerServer = options.Connections,
        };
        _http = new HttpClient(handler) { Timeout = Timeout.InfiniteTimeSpan };
        string version = typeof(HttpConnection).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()!.InformationalVersion.Split('+')[0];
        // Bytes are counted and hashed as they are stored there.
        _http.DefaultRequestHeaders.AcceptEncoding.Add(new StringWithQualityHeaderValue("identity"));
        _http.DefaultRequestHeaders.UserAgent.Add(new ProductInfoHeaderValue("handwritten", version));
    }

    /// <summary>Asks for an address, or for a range of it.</summary>
    /// <exception cref="PassingTroubleException">It fails, but may be worth another try.</exception>
    /// <exception cref="HubException">It fails.</exception>
    public async Task<HubResponse> GetAsync(HubRequest request, Uri address, RangeHeaderValue? range, CancellationToken cancellation)
    {
        string? linkedHash = null;
        for (int redirections = 0; redirections <= MostRedirections; redirections++)
        {
            HttpResponseMessage response = await SendAsync(address, range, cancellation);
            linkedHash ??= response.Headers.TryGetValues("X-Linked-Etag", out IEnumerable<string>? tags) ? tags.First().Trim('"') : null;
            if (response.IsSuccessStatusCode)
            {
                return new HubResponse(response, linkedHash, _options, address.Host);
            }

            using (response)
            {
                if ((int)response.StatusCode is not (301 or 302 or 303 or 307 or 308) || response.Headers.Location is not { } location)
                {
                    throw HubErrors.Of(response, request, _options);
                }

                Uri next = new(address, location);
                if (next.Scheme != Uri.UriSchemeHttps && next.Scheme != address.Scheme)
                {
                    throw new HubException($"{address.Host} redirects {request.Name} to {next.GetLeftPart(UriPartial.Authority)}, which is not encrypted: use another HF_ENDPOINT.") { IsAway = true };
                }

                address = next;
            }
        }

        throw new HubException($"{_options.Endpoint.Host} redirects {request.Name} in a circle: check HF_ENDPOINT.") { IsAway = true };
    }

    public void Dispose() => _http.Dispose();

    private async Task<HttpResponseMessage> SendAsync(Uri address, RangeHeaderValue? range, CancellationToken cancellation)
    {
        using HttpRequestMessage message = new(HttpMethod.Get, address);
        message.Headers.Range = range;
        if (_options.Token is { } token && address.GetLeftPart(UriPartial.Authority) == _options.Endpoint.GetLeftPart(UriPartial.Authority))
        {
            message.Headers.Authorization = new AuthenticationHeaderValue("Bearer", token);
        }

        using CancellationTokenSource silence = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        silence.CancelAfter(_options.Silence);
        try
        {
            return await _http.SendAsync(message, HttpCompletionOption.ResponseHeadersRead, silence.Token);
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            throw HubErrors.Silence(address.Host, _options.Silence);
        }
        catch (HttpRequestException exception) when (exception.HttpRequestError is HttpRequestError.NameResolutionError or HttpRequestError.SecureConnectionError)
        {
            throw new HubException($"{address.Host} cannot be reached ({Reason(exception)}): check the network, your proxy, and HF_ENDPOINT.", exception) { IsAway = true };
        }
        catch (HttpRequestException exception)
        {
            throw new PassingTroubleException($"{address.Host} cannot be reached ({Reason(exception)}): check the network, your proxy, and HF_ENDPOINT.", exception);
        }
    }

    private static string Reason(HttpRequestException exception) => (exception.InnerException ?? exception).Message.TrimEnd('.');
}

/// <summary>An answer whose body is still to come.</summary>
internal sealed class HubResponse(HttpResponseMessage message, string? linkedHash, HubOptions options, string host) : IDisposable
{
    private readonly byte[] _buffer = new byte[1 << 17];
    private Stream? _body;

    /// <summary>Status and headers.</summary>
    public HttpResponseMessage Message => message;

    /// <summary>The hash that the hub said the file has, when it redirected to it; null if it did not say.</summary>
    public string? LinkedHash => linkedHash;

    /// <summary>The next bytes, valid until the next call; none at the end.</summary>
    /// <exception cref="PassingTroubleException">The connection is cut, or silent.</exception>
    public async ValueTask<ReadOnlyMemory<byte>> ReadAsync(CancellationToken cancellation)
    {
        using CancellationTokenSource silence = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        silence.CancelAfter(options.Silence);
        try
        {
            _body ??= await message.Content.ReadAsStreamAsync(silence.Token);
            return _buffer.AsMemory(0, await _body.ReadAsync(_buffer, silence.Token));
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            throw HubErrors.Silence(host, options.Silence);
        }
        catch (IOException exception)
        {
            throw new PassingTroubleException($"The connection to {host} is cut again and again ({exception.Message.TrimEnd('.')}): try again later; what has been downloaded is kept.", exception);
        }
    }

    public void Dispose() => message.Dispose();
}
