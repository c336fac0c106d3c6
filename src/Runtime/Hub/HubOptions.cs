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
    /// <exception cref="HubException">HF_ENDPOINT is no address, or HF_TOKEN no token.</exception>
    public static HubOptions FromEnvironment()
    {
        // Files and shells leave line breaks in it. Source: huggingface_hub, utils/_auth.py, _clean_token.
        string token = (Environment.GetEnvironmentVariable("HF_TOKEN") ?? "").ReplaceLineEndings("").Trim();
        if (token.Length > 0 && !IsToken(token))
        {
            throw new HubException("HF_TOKEN must be a token such as hf_..., without blanks.");
        }

        HubOptions options = new() { Token = token.Length > 0 ? token : null };
        return Environment.GetEnvironmentVariable("HF_ENDPOINT") switch
        {
            null or "" => options,
            var text when Uri.TryCreate(text, UriKind.Absolute, out Uri? endpoint) && endpoint.Scheme is "http" or "https" => options with { Endpoint = endpoint },
            var text => throw new HubException($"HF_ENDPOINT must be an address such as https://huggingface.co, but it is '{text}'."),
        };
    }

    /// <summary>Whether a text can be a token: it goes into a header, where a blank or a line break would be something else.</summary>
    public static bool IsToken(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        return text.Length > 0 && text.All(c => c is > ' ' and <= '~');
    }
}
