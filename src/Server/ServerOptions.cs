namespace Handwritten.Server;

/// <summary>How the server is run. Limits of null are none.</summary>
public sealed record ServerOptions
{
    /// <summary>Where traces and metrics go by OpenTelemetry's protocol, among the settings of <see cref="Telemetry"/>.</summary>
    public const string TelemetryEndpoint = "OTEL_EXPORTER_OTLP_ENDPOINT";

    /// <summary>The address to listen at; <c>0.0.0.0</c> for all of the machine's.</summary>
    public string Host { get; init; } = "127.0.0.1";

    /// <summary>The port; 0 takes one that is free.</summary>
    public int Port { get; init; } = 8000;

    /// <summary>The models, the default one first.</summary>
    public required IReadOnlyList<Models.ModelSource> Models { get; init; }

    /// <summary>Whether models are loaded before the first request wants them.</summary>
    public bool LoadEagerly { get; init; } = true;

    /// <summary>How long a model may be idle before its memory is given back; null for ever.</summary>
    public TimeSpan? UnloadAfter { get; init; }

    /// <summary>The file of API keys; null lets everybody in. See <see cref="Access.ApiKeyFile"/>.</summary>
    public string? ApiKeyFile { get; init; }

    /// <summary>
    /// Names by which clients reach this server besides its addresses, <c>*.example.org</c> for a whole domain. They matter where no keys are
    /// needed; see <see cref="Access.BrowserRules"/>.
    /// </summary>
    public IReadOnlyList<string> HostNames { get; init; } = [];

    /// <summary>Requests a minute of a client whose key has no limit of its own.</summary>
    public int? RequestsPerMinute { get; init; }

    /// <summary>Web pages of other servers that may use this one, such as <c>https://example.org</c>; <c>*</c> for all.</summary>
    public IReadOnlyList<string> CorsOrigins { get; init; } = [];

    /// <summary>The largest request, in bytes.</summary>
    public long MaximumUploadBytes { get; init; } = 512L << 20;

    /// <summary>How long the head of a request may take to come, and its body may come at less than 240 bytes a second.</summary>
    public TimeSpan SlowClientTimeout { get; init; } = TimeSpan.FromSeconds(20);

    /// <summary>How long a connection may be kept open without a request; longer than load balancers do, who must be the first to close it.</summary>
    public TimeSpan ConnectionIdleTimeout { get; init; } = TimeSpan.FromSeconds(130);

    /// <summary>The longest recording, in seconds.</summary>
    public double MaximumAudioSeconds { get; init; } = 4 * 3600;

    /// <summary>How long ffmpeg may take for a recording.</summary>
    public TimeSpan DecodingTimeout { get; init; } = TimeSpan.FromMinutes(5);

    /// <summary>The address space of an ffmpeg process, in bytes.</summary>
    public long DecodingMemoryBytes { get; init; } = 4L << 30;

    /// <summary>Recordings that are decoded at the same time; where it is more than one, one place is kept for those of a few minutes.</summary>
    public int DecodingProcesses { get; init; } = Math.Max(2, Environment.ProcessorCount / 2);

    /// <summary>
    /// Memory of all recordings between their decoding and their transcript, in bytes; a recording takes <see cref="Uploads.SoundMemory.BytesPerSample"/>
    /// bytes a sample. A quarter of what this process may have.
    /// </summary>
    public long MaximumDecodedBytes { get; init; } = GC.GetGCMemoryInfo().TotalAvailableMemoryBytes / 4;

    /// <summary>Jobs that are held, those that are done included.</summary>
    public int MaximumJobs { get; init; } = 1000;

    /// <summary>The same of one client.</summary>
    public int MaximumJobsPerClient { get; init; } = 500;

    /// <summary>Recordings of jobs that are fetched, or wait to be decoded after that, at the same time; a quarter of them of one client.</summary>
    public int MaximumFetches { get; init; } = 32;

    /// <summary>How long the result of a job is kept.</summary>
    public TimeSpan JobRetention { get; init; } = TimeSpan.FromHours(1);

    /// <summary>Hosts that recordings may be fetched from and results sent to, <c>*.example.org</c> for a whole domain; empty for all.</summary>
    public IReadOnlyList<string> AllowedHosts { get; init; } = [];

    /// <summary>Whether addresses of private networks may be fetched from; they are what an attacker would be after.</summary>
    public bool AllowPrivateAddresses { get; init; }

    /// <summary>The secret that webhooks are signed with; null leaves them unsigned.</summary>
    public string? WebhookSecret { get; init; }

    /// <summary>Live streams at the same time.</summary>
    public int MaximumStreams { get; init; } = 64;

    /// <summary>Live streams of one client at the same time.</summary>
    public int MaximumStreamsPerClient { get; init; } = 32;

    /// <summary>How long a live stream may send nothing.</summary>
    public TimeSpan StreamIdleTimeout { get; init; } = TimeSpan.FromMinutes(1);

    /// <summary>Whether the log holds what was said.</summary>
    public bool LogTranscripts { get; init; }

    /// <summary>
    /// OpenTelemetry's settings by the names of its variables. Traces and metrics go to <see cref="TelemetryEndpoint"/> among them; without it
    /// nowhere. /metrics is always there.
    /// </summary>
    public IReadOnlyDictionary<string, string?> Telemetry { get; init; } = new Dictionary<string, string?>();

    /// <summary>How long work under way has to end after the server was told to stop.</summary>
    public TimeSpan ShutdownTimeout { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>Refuses what makes no sense.</summary>
    /// <exception cref="ArgumentException">Something does; the sentence says what.</exception>
    internal void Verify()
    {
        if (Models.GroupBy(model => model.Name).FirstOrDefault(group => group.Count() > 1) is { } same)
        {
            throw new ArgumentException($"Several models are called '{same.Key}', and only one of them could be asked for: rename the folder of the other ({string.Join(", ", same.Select(model => model.Folder))}).");
        }

        if (HostNames.FirstOrDefault(name => name.AsSpan().ContainsAny('/', ':', ' ') || name is "" or "*") is { } wrongName)
        {
            throw new ArgumentException($"A name of the server is a host alone, such as speech.example.org or *.example.org, but one is '{wrongName}'.");
        }

        if (CorsOrigins.FirstOrDefault(origin => origin != "*" && !IsOrigin(origin)) is { } wrongOrigin)
        {
            throw new ArgumentException($"An origin is a page's scheme and host, such as https://app.example.org, without a path or a slash, but one is '{wrongOrigin}'.");
        }

        if (WebhookSecret is { } secret && Remote.Webhooks.KeyOf(secret) is null)
        {
            throw new ArgumentException("The secret of the webhooks begins with 'whsec_', but no base64 follows: copy it again, or take a secret without that beginning.");
        }
    }

    private static bool IsOrigin(string text) =>
        Uri.TryCreate(text, UriKind.Absolute, out Uri? address) && address.GetLeftPart(UriPartial.Authority).Equals(text, StringComparison.OrdinalIgnoreCase);
}
