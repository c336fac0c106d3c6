using System.Globalization;
using Handwritten.Server.Access;

namespace Handwritten.Server.Errors;

/// <summary>Answers every request that fails with an error object, unknown addresses and wrong methods included.</summary>
internal sealed partial class ErrorHandling(RequestDelegate next, ILogger<ErrorHandling> logger)
{
    /// <summary>The status that web servers log for a client that left; nobody receives it.</summary>
    private const int ClientClosedRequest = 499;

    public async Task InvokeAsync(HttpContext context)
    {
        try
        {
            await next(context);
        }
        catch (Exception failure) when (failure is OperationCanceledException or IOException && context.RequestAborted.IsCancellationRequested)
        {
            if (!context.Response.HasStarted)
            {
                context.Response.StatusCode = ClientClosedRequest;
            }

            return;
        }
        catch (Exception failure)
        {
            ApiException error = ApiErrors.Of(failure);
            if (ApiErrors.IsTrouble(error))
            {
                LogFailure(failure, context.Request.Method, context.Request.Path);
            }

            if (context.Response.HasStarted)
            {
                context.Abort(); // a transcript that is cut off must not look whole
                return;
            }

            await WriteAsync(context, error);
            return;
        }

        if (!context.Response.HasStarted && context.Response.ContentType is null && Unanswered(context) is { } missing)
        {
            await WriteAsync(context, missing);
        }
    }

    /// <summary>Writes an error object.</summary>
    public static Task WriteAsync(HttpContext context, ApiException error)
    {
        context.Response.StatusCode = error.Status;
        if (error.RetryAfter is { } wait)
        {
            context.Response.Headers.RetryAfter = Math.Max(1, (int)Math.Ceiling(wait.TotalSeconds)).ToString(CultureInfo.InvariantCulture);
        }

        if (error.Status == StatusCodes.Status401Unauthorized)
        {
            context.Response.Headers.WWWAuthenticate = error.Code == Authentication.WrongKeyCode ? "Bearer error=\"invalid_token\"" : "Bearer"; // RFC 6750, section 3
        }

        return context.Response.WriteAsJsonAsync(error.ToResponse(), Json.Options, CancellationToken.None);
    }

    private static ApiException? Unanswered(HttpContext context) => context.Response.StatusCode switch
    {
        StatusCodes.Status404NotFound => new ApiException(
            StatusCodes.Status404NotFound, $"Unknown request URL: {context.Request.Method} {context.Request.Path}. See /docs for what there is.", code: "unknown_url"),
        StatusCodes.Status405MethodNotAllowed => new ApiException(
            StatusCodes.Status405MethodNotAllowed, $"{context.Request.Path} does not take {context.Request.Method}. See /docs for what it takes.", code: "method_not_allowed"),
        StatusCodes.Status415UnsupportedMediaType => new ApiException(
            StatusCodes.Status415UnsupportedMediaType, $"{context.Request.Path} does not take the content type '{context.Request.ContentType}'. See /docs for what it takes.", code: "unsupported_media_type"),
        _ => null,
    };

    [LoggerMessage(LogLevel.Error, "{Method} {Path} failed.")]
    private partial void LogFailure(Exception failure, string method, string path);
}
