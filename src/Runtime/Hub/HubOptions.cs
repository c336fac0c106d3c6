namespace Handwritten.Runtime.Hub;

/// <summary>How to talk to a hub.</summary>
public sealed record HubOptions
{
    /// <summary>The hub, or a mirror of it.</summary>
    public Uri Endpoint { get; init; } = new("https://huggingface.co");

    /// <summary>Proof of who asks, for models that not everybody may have; null for nobody in particular. It is shown to the endpoint only.</summary>
    public string? Token { get; init; }

    /// <summary>Ranges that are under way at the same time.</summary>
    public int Connections { get; init; } = 8;

    /// <summary>Bytes of a range: what has to be fetched again if the program ends in the middle of it.</summary>
    public int PieceBytes { get; init; } = 16 << 20;

    /// <summary>Attempts at a request that brings nothing, before giving up.</summary>
    public int Attempts { get; init; } = 5;

    /// <summary>The pause before the second attempt; each further one is twice as long, unless the server says how long.</summary>
    public TimeSpan FirstPause { get; init; } = TimeSpan.FromSeconds(0.5);

    /// <summary>The longest pause that is kept when a server asks for one.</summary>
    public TimeSpan LongestPause { get; init; } = TimeSpan.FromMinutes(2);

    /// <summary>How long a connection may be silent.</summary>
    public TimeSpan Silence { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>The options that the environment gives, as huggingface_hub reads it: HF_ENDPOINT and HF_TOKEN.</summary>
    /// <exception cref="HubException">HF_ENDPOINT is no address.</exception>
    public static HubOptions FromEnvironment()
    {
        HubOptions options = new() { Token = Environment.GetEnvironmentVariable("HF_TOKEN") is { Length: > 0 } token ? token.Trim() : null };
        return Environment.GetEnvironmentVariable("HF_ENDPOINT") switch
        {
            null or "" => options,
            var text when Uri.TryCreate(text, UriKind.Absolute, out Uri? endpoint) && endpoint.Scheme is "http" or "https" => options with { Endpoint = endpoint },
            var text => throw new HubException($"HF_ENDPOINT must be an address such as https://huggingface.co, but it is '{text}'."),
        };
    }
}
