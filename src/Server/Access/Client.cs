namespace Handwritten.Server.Access;

/// <summary>Who sent a request.</summary>
/// <param name="Name">The key's name, or the address where no keys are needed.</param>
/// <param name="RequestsPerMinute">The client's own limit; null for the server's.</param>
internal sealed record Client(string Name, int? RequestsPerMinute)
{
    /// <summary>The key that it came with; null where no keys are needed.</summary>
    public ApiKey? Key { get; init; }

    /// <summary>The client of a request to an endpoint that is <see cref="ForClientsOnly"/>.</summary>
    public static Client Of(HttpContext context) =>
        context.Features.Get<Client>() ?? throw new InvalidOperationException("Nobody found out whose request this is.");
}

/// <summary>Marks what only clients with a key may use; what is not marked, such as the health, anybody may.</summary>
internal sealed class ForClientsOnly;
