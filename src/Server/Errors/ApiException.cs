namespace Handwritten.Server.Errors;

/// <summary>A request that cannot be served, in the terms of OpenAI's error objects.</summary>
/// <param name="status">HTTP status.</param>
/// <param name="message">One sentence for the person who sent the request: what is wrong and what to do.</param>
/// <param name="type">OpenAI's kind of error; see <see cref="ErrorType"/>.</param>
/// <param name="parameter">The field that is wrong, if one is.</param>
/// <param name="code">A word for programs, such as <c>model_not_found</c>.</param>
/// <param name="innerException">The cause.</param>
public sealed class ApiException(
    int status, string message, string type = ErrorType.InvalidRequest, string? parameter = null, string? code = null, Exception? innerException = null)
    : Exception(message, innerException)
{
    /// <summary>HTTP status.</summary>
    public int Status => status;

    /// <summary>OpenAI's kind of error.</summary>
    public string Type => type;

    /// <summary>The field that is wrong, if one is.</summary>
    public string? Parameter => parameter;

    /// <summary>A word for programs.</summary>
    public string? Code => code;

    /// <summary>When to try again; sent as the header Retry-After.</summary>
    public TimeSpan? RetryAfter { get; init; }

    /// <summary>A field whose value makes no sense.</summary>
    internal static ApiException BadField(string parameter, string message, string code = "invalid_value") =>
        new(StatusCodes.Status400BadRequest, message, parameter: parameter, code: code);

    /// <summary>The object that OpenAI's clients expect.</summary>
    internal ErrorResponse ToResponse() => new(new ErrorBody(Message, Type, Parameter, Code));
}

/// <summary>The kinds of errors that OpenAI's API knows.</summary>
internal static class ErrorType
{
    public const string InvalidRequest = "invalid_request_error";
    public const string RateLimit = "rate_limit_error";
    public const string Server = "server_error";
}

/// <summary>What an error looks like: <c>{"error": {...}}</c>.</summary>
/// <param name="Error">What went wrong.</param>
public sealed record ErrorResponse(ErrorBody Error);

/// <summary>What went wrong.</summary>
/// <param name="Message">One sentence.</param>
/// <param name="Type">The kind: <c>invalid_request_error</c>, <c>rate_limit_error</c> or <c>server_error</c>.</param>
/// <param name="Param">The field that is wrong, if one is.</param>
/// <param name="Code">A word for programs.</param>
public sealed record ErrorBody(string Message, string Type, string? Param, string? Code);
