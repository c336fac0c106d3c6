using System.Net;
using Handwritten.Server.Errors;

namespace Handwritten.Server.Access;

/// <summary>
/// What web pages of strangers may do with this server through the browser of somebody who can reach it. Where keys are needed: nothing, as
/// they have none. Without keys it takes two rules:
/// <code>
///     a page of evil.example whose name suddenly means this server's address      Host: evil.example      403 host_not_allowed
///     a form on it, or a socket, that goes to this server's own name              Origin: evil.example    403 origin_not_allowed
/// </code>
/// A page can only have a name that its owner has in the public DNS, so names that cannot be there need not be told: addresses, names
/// without a dot and those of private networks.
/// </summary>
internal sealed class BrowserRules(ServerOptions options)
{
    /// <summary>
    /// Endings that nobody can register. Source: RFC 6761 (localhost), 6762 (local), 8375 (home.arpa), ICANN's resolution of July 2024
    /// (internal); svc is how Kubernetes ends the names of its services.
    /// </summary>
    private static readonly string[] PrivateEndings = [".localhost", ".local", ".home.arpa", ".internal", ".svc"];

    private readonly string[] _names = [options.Host, .. options.HostNames];

    /// <summary>Whether a request may come under a name, where no keys are needed.</summary>
    public bool AllowsHost(HostString host)
    {
        string name = host.Host.TrimEnd('.');
        return !name.Contains('.', StringComparison.Ordinal)
            || IPAddress.TryParse(name.Trim('[', ']'), out _)
            || PrivateEndings.Any(ending => name.EndsWith(ending, StringComparison.OrdinalIgnoreCase))
            || _names.Any(allowed => HostPattern.Matches(allowed, name));
    }

    /// <summary>Refuses a request of a page of another server.</summary>
    /// <exception cref="ApiException">It is one, and that server is not among <see cref="ServerOptions.CorsOrigins"/>.</exception>
    public void RequireOwnPage(HttpRequest request)
    {
        string origin = request.Headers.Origin.ToString();
        if (origin.Length > 0 && !options.CorsOrigins.Contains("*") && !options.CorsOrigins.Contains(origin, StringComparer.OrdinalIgnoreCase)
            && !(Uri.TryCreate(origin, UriKind.Absolute, out Uri? page) && page.Authority.Equals(request.Host.Value, StringComparison.OrdinalIgnoreCase)))
        {
            throw new ApiException(StatusCodes.Status403Forbidden, $"Pages of {origin} may not use this server: start it with --cors-origin {origin}.", code: "origin_not_allowed");
        }
    }
}

/// <summary>Applies <see cref="BrowserRules"/> to every request, where no keys are needed.</summary>
internal sealed class BrowserGuard(RequestDelegate next, BrowserRules rules, ApiKeys keys)
{
    public Task InvokeAsync(HttpContext context)
    {
        if (!keys.AreRequired)
        {
            if (!rules.AllowsHost(context.Request.Host))
            {
                throw new ApiException(
                    StatusCodes.Status403Forbidden,
                    $"This server does not know that it is called '{context.Request.Host.Host}': start it with --host-name {context.Request.Host.Host}, or with API keys.",
                    code: "host_not_allowed");
            }

            if (!HttpMethods.IsGet(context.Request.Method) && !HttpMethods.IsHead(context.Request.Method) && !HttpMethods.IsOptions(context.Request.Method))
            {
                rules.RequireOwnPage(context.Request);
            }
        }

        return next(context);
    }
}
