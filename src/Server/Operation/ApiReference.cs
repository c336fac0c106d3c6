using System.Security.Cryptography;
using Scalar.AspNetCore;

namespace Handwritten.Server.Operation;

/// <summary>
/// The page that shows the OpenAPI document and lets people try it, keys included. It runs nothing that another server could have put there,
/// and talks to nobody but this one: what would ask others (fonts, a chat, a count of its users, a place for the document) is off, and browsers see to the rest.
/// </summary>
internal static class ApiReference
{
    private const string Address = "/docs";

    /// <summary>Serves the page.</summary>
    public static void Map(IEndpointRouteBuilder endpoints) => endpoints.MapScalarApiReference(Address, (page, context) =>
    {
        string nonce = RandomNumberGenerator.GetHexString(32);
        page.DisableDefaultFonts().DisableTelemetry().DisableAgent().DisableMcp().HideDeveloperTools().HideClientButton().WithNonce(nonce);
        IHeaderDictionary headers = context.Response.Headers;
        headers.ContentSecurityPolicy =
            $"default-src 'none'; script-src 'self' 'nonce-{nonce}'; style-src 'self' 'unsafe-inline'; font-src 'self' data:; img-src 'self' data: blob:; media-src blob:; connect-src 'self'; " +
            "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"; // the page makes its styles as it goes
        headers.XContentTypeOptions = "nosniff";
        headers["Referrer-Policy"] = "no-referrer";
    });
}
