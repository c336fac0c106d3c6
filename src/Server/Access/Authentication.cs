using Handwritten.Server.Errors;

namespace Handwritten.Server.Access;

/// <summary>
/// Finds out who asks, before anything of the body is read. A key comes as <c>Authorization: Bearer KEY</c>; browsers, whose
/// WebSockets have no headers, name it as the protocol <c>openai-insecure-api-key.KEY</c>, as OpenAI's do.
/// </summary>
internal sealed class Authentication(RequestDelegate next, ApiKeys keys)
{
    public const string ProtocolPrefix = "openai-insecure-api-key.";
    public const string WrongKeyCode = "invalid_api_key";
    private const string Scheme = "Bearer ";

    public Task InvokeAsync(HttpContext context)
    {
        if (context.GetEndpoint()?.Metadata.GetMetadata<ForClientsOnly>() is not null)
        {
            context.Features.Set(Identify(context));
        }

        return next(context);
    }

    private Client Identify(HttpContext context)
    {
        if (!keys.AreRequired)
        {
            return new Client(context.Connection.RemoteIpAddress?.ToString() ?? "local", null);
        }

        string key = KeyOf(context.Request) ?? throw Refuse(
            "No API key was given: send it as 'Authorization: Bearer KEY'.", "missing_api_key");
        ApiKey known = keys.Find(key) ?? throw WrongKey();
        return new Client(known.Name, known.RequestsPerMinute) { Key = known };
    }

    private static string? KeyOf(HttpRequest request)
    {
        if (request.Headers.Authorization.ToString() is { Length: > 0 } header)
        {
            return header.StartsWith(Scheme, StringComparison.OrdinalIgnoreCase) ? header[Scheme.Length..].Trim() : null;
        }

        return request.HttpContext.WebSockets.WebSocketRequestedProtocols
            .FirstOrDefault(protocol => protocol.StartsWith(ProtocolPrefix, StringComparison.Ordinal))?[ProtocolPrefix.Length..];
    }

    /// <summary>What a key gets that is not in the file, or not any more.</summary>
    public static ApiException WrongKey() => Refuse("The API key is not one of this server's.", WrongKeyCode);

    private static ApiException Refuse(string message, string code) => new(StatusCodes.Status401Unauthorized, message, code: code);
}
