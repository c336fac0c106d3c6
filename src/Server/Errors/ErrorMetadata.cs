namespace Handwritten.Server.Errors;

/// <summary>Says in the OpenAPI document how requests fail.</summary>
internal static class ErrorMetadata
{
    private static readonly int[] Statuses =
    [
        StatusCodes.Status400BadRequest, StatusCodes.Status401Unauthorized, StatusCodes.Status403Forbidden, StatusCodes.Status404NotFound, StatusCodes.Status408RequestTimeout,
        StatusCodes.Status413PayloadTooLarge,
        StatusCodes.Status415UnsupportedMediaType, StatusCodes.Status429TooManyRequests, StatusCodes.Status503ServiceUnavailable,
        StatusCodes.Status507InsufficientStorage,
    ];

    /// <summary>Every failure is an <see cref="ErrorResponse"/>.</summary>
    /// <param name="builder">What fails.</param>
    /// <param name="others">Statuses that others do not have.</param>
    public static TBuilder ProducesErrors<TBuilder>(this TBuilder builder, params int[] others)
        where TBuilder : IEndpointConventionBuilder => builder.WithMetadata([.. Statuses.Concat(others).Select(status => new ProducesResponseTypeMetadata(status, typeof(ErrorResponse), ["application/json"]))]);
}
