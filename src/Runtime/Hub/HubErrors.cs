using System.Globalization;
using System.Net;

namespace Handwritten.Runtime.Hub;

/// <summary>
/// What a hub means by its status codes. It answers 401 for what does not exist, so as not to tell what exists; a header,
/// X-Error-Code, says more. Source: huggingface_hub, utils/_http.py, hf_raise_for_status.
/// </summary>
internal static class HubErrors
{
    /// <summary>The exception for an answer that is no success.</summary>
    public static HubException Of(HttpResponseMessage response, HubRequest request, HubOptions options)
    {
        string host = options.Endpoint.Host;
        string code = response.Headers.TryGetValues("X-Error-Code", out IEnumerable<string>? codes) ? codes.First() : "";
        string page = $"{options.Endpoint.GetLeftPart(UriPartial.Authority)}/{request.Repository}";
        int status = (int)response.StatusCode;
        return (response.StatusCode, code) switch
        {
            (_, "GatedRepo") => new HubException(
                $"'{request.Repository}' is for those who have accepted its terms: accept them at {page}, and give --token (or HF_TOKEN)."),
            (_, "RevisionNotFound") => new HubException($"'{request.Repository}' has no revision '{request.Revision}' on {host}: check --revision."),
            (_, "EntryNotFound") => new HubException($"'{request.Repository}' has no file {request.Name} on {host}, although it lists it: try again later."),
            (HttpStatusCode.Unauthorized, _) when options.Token is null => new HubException(
                $"{host} has no model '{request.Repository}' that everybody may see: check the name, or give --token (or HF_TOKEN) if it is a private one."),
            (HttpStatusCode.Unauthorized, _) => new HubException(
                $"{host} does not let the owner of this token see '{request.Repository}': check the name, and --token (or HF_TOKEN)."),
            (HttpStatusCode.Forbidden, _) => new HubException(
                $"{host} refuses {request.Name} (403): look at {page} for what it asks, and give a --token (or HF_TOKEN) that may read it."),
            (HttpStatusCode.NotFound, _) => new HubException($"{host} has no model '{request.Repository}' with a revision '{request.Revision}': check the name and --revision."),
            (HttpStatusCode.TooManyRequests, _) => Busy(response, host),
            (HttpStatusCode.RequestTimeout, _) or ( >= HttpStatusCode.InternalServerError, _) => new PassingTroubleException(
                $"{host} has trouble of its own ({status} {response.ReasonPhrase}): try again later; what has been downloaded is kept.", Wait(response)),
            _ => new HubException($"{host} answers {status} {response.ReasonPhrase} for {request.Name}: check HF_ENDPOINT and your proxy.") { IsAway = true },
        };
    }

    /// <summary>The exception for a server that says nothing.</summary>
    public static PassingTroubleException Silence(string host, TimeSpan silence) =>
        new($"{host} has been silent for {Seconds(silence)}: check the network and try again; what has been downloaded is kept.");

    private static PassingTroubleException Busy(HttpResponseMessage response, string host)
    {
        TimeSpan? wait = Wait(response);
        string when = wait is { } time ? $"in {Seconds(time)}" : "later";
        return new PassingTroubleException($"{host} has had too many requests from here (429): try again {when}, or give --token (or HF_TOKEN); what has been downloaded is kept.", wait);
    }

    /// <summary>How long the server asks to wait: so many seconds, or until a date.</summary>
    private static TimeSpan? Wait(HttpResponseMessage response)
    {
        TimeSpan? wait = response.Headers.RetryAfter is { } after ? after.Delta ?? after.Date - DateTimeOffset.UtcNow : null;
        return wait < TimeSpan.Zero ? TimeSpan.Zero : wait;
    }

    private static string Seconds(TimeSpan time) => string.Create(CultureInfo.InvariantCulture, $"{Math.Ceiling(time.TotalSeconds):F0} s");
}
