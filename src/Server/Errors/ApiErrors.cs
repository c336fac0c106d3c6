using Handwritten.Kernels.Gpu;
using Handwritten.Model;
using Handwritten.Model.Tokenization;
using Handwritten.Runtime.Audio;
using Handwritten.Runtime.Decoding;
using Handwritten.Runtime.Serving;

namespace Handwritten.Server.Errors;

/// <summary>
/// The one place that turns exceptions into statuses and error objects. What is the sender's fault says so in one sentence;
/// what is ours says nothing of our insides.
/// </summary>
internal static class ApiErrors
{
    private const string ShuttingDown = "shutting_down";

    /// <summary>What clients are told where a limit gives no time of its own.</summary>
    public static readonly TimeSpan RetrySoon = TimeSpan.FromSeconds(1);

    /// <summary>What a failure means to the client.</summary>
    public static ApiException Of(Exception failure) => failure switch
    {
        ApiException known => known,
        AudioException => new ApiException(StatusCodes.Status400BadRequest, Sentence(failure), parameter: "file", code: "invalid_audio", innerException: failure),
        OptionsException or TokenizationException => new ApiException(StatusCodes.Status400BadRequest, Sentence(failure), code: "invalid_options", innerException: failure),
        EngineBusyException busy => Busy(busy.Message, "engine_busy", busy.RetryAfter),
        EngineStoppedException => Unavailable("The model is being unloaded; try again.", ShuttingDown, failure),
        BadHttpRequestException { StatusCode: StatusCodes.Status413PayloadTooLarge } => TooLarge(failure),
        BadHttpRequestException { StatusCode: StatusCodes.Status408RequestTimeout } => new ApiException(
            StatusCodes.Status408RequestTimeout, "The request arrived too slowly and was given up.", code: "request_timeout", innerException: failure),
        BadHttpRequestException bad => new ApiException(bad.StatusCode, Sentence(bad), code: "bad_request", innerException: failure),
        ModelException => Unavailable("The model cannot be loaded; the server's log says why.", "model_unavailable", failure),
        OutOfMemoryException or GpuException { IsOutOfMemory: true } => NoMemory(failure),
        GpuException => Unavailable("The device that runs the model failed; try again.", "device_failed", failure),
        OperationCanceledException => Unavailable("The server is shutting down; try again.", ShuttingDown, failure),
        _ => new ApiException(StatusCodes.Status500InternalServerError, "Something unexpected happened in the server; its log says what.", ErrorType.Server, code: "internal_error", innerException: failure),
    };

    /// <summary>Whether an error is a mistake or a trouble of the server, for its log; a stop that was asked for is none.</summary>
    public static bool IsTrouble(ApiException error) => error.Status >= StatusCodes.Status500InternalServerError && error.Code != ShuttingDown;

    /// <summary>A body above the limit.</summary>
    public static ApiException TooLarge(Exception? cause = null) =>
        new(StatusCodes.Status413PayloadTooLarge, "The request is larger than this server takes: compress the recording or cut it into parts.", code: "request_too_large", innerException: cause);

    /// <summary>More memory than there is for a request.</summary>
    public static ApiException NoMemory(Exception? cause = null) =>
        Unavailable("There is not enough memory for this request now; try again, or cut the recording into parts.", "out_of_memory", cause);

    /// <summary>Too much at once: the client shall come back.</summary>
    public static ApiException Busy(string message, string code, TimeSpan? retryAfter) =>
        new(StatusCodes.Status429TooManyRequests, message, ErrorType.RateLimit, code: code) { RetryAfter = retryAfter ?? RetrySoon };

    /// <summary>Nowhere to put the recording.</summary>
    public static ApiException NoStorage(Exception cause) => new(
        StatusCodes.Status507InsufficientStorage, "The server has no room for this recording now; try again later.", ErrorType.Server, code: "insufficient_storage", innerException: cause)
    {
        RetryAfter = TimeSpan.FromSeconds(30),
    };

    private static ApiException Unavailable(string message, string code, Exception? cause) =>
        new(StatusCodes.Status503ServiceUnavailable, message, ErrorType.Server, code: code, innerException: cause) { RetryAfter = TimeSpan.FromSeconds(5) };

    private static string Sentence(Exception failure) =>
        failure.Message is [var first, .. var rest] ? $"{char.ToUpperInvariant(first)}{rest}" : "The request makes no sense.";
}
