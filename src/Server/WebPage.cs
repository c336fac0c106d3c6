using Microsoft.Extensions.FileProviders;

namespace Handwritten.Server;

/// <summary>
/// The web page: what lies in the folder wwwroot beside the program, which src/Server/Web is built into. Files below assets
/// have their content's hash in their names, so browsers keep them for ever; the page itself is asked for each time, so that
/// a new server shows its own. The page runs no script and no style but its own files, and talks to nobody but this server.
/// </summary>
internal static class WebPage
{
    private const string ContentSecurityPolicy =
        "default-src 'none'; script-src 'self'; style-src 'self'; font-src 'self'; img-src 'self' data:; media-src blob:; connect-src 'self'; " +
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

    /// <summary>Serves the page, where there is one.</summary>
    public static void Use(IApplicationBuilder application)
    {
        string folder = Path.Combine(AppContext.BaseDirectory, "wwwroot");
        if (Directory.Exists(folder))
        {
            PhysicalFileProvider files = new(folder);
            application.UseDefaultFiles(new DefaultFilesOptions { FileProvider = files });
            application.UseStaticFiles(new StaticFileOptions { FileProvider = files, OnPrepareResponse = file => Describe(file.Context) });
        }
    }

    private static void Describe(HttpContext context)
    {
        bool hasHashedName = context.Request.Path.StartsWithSegments("/assets", StringComparison.Ordinal);
        IHeaderDictionary headers = context.Response.Headers;
        headers.CacheControl = hasHashedName ? "public, max-age=31536000, immutable" : "no-cache";
        headers.ContentSecurityPolicy = ContentSecurityPolicy;
        headers.XContentTypeOptions = "nosniff";
        headers["Referrer-Policy"] = "no-referrer";
        headers["Permissions-Policy"] = "microphone=(self), camera=(), geolocation=()";
    }
}
