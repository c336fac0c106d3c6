using System.CommandLine;
using Handwritten.Runtime.Serving;
using Handwritten.Runtime.Settings;
using Handwritten.Server;

namespace Handwritten.Cli;

/// <summary>The options of <c>serve</c> that bound what a client can take of the server: time, memory, places.</summary>
internal sealed class ServerLimits
{
    private const int Many = 1_000_000;
    private const double Day = 86_400;

    private static readonly ServerOptions Initially = new() { Models = [] };
    private static readonly EngineOptions Engine = new();

    private readonly Limit<int> _requests = Count("--max-requests", "Requests that are accepted and not done; more are told to come back.", Engine.MaxRequests);

    private readonly Limit<int> _requestsOfClient = Count("--max-requests-per-client", "The same of one client.", Engine.MaxRequestsPerClient);

    private readonly Limit<int> _rate = Count("--requests-per-minute", "Requests a minute of each client.", Initially.RequestsPerMinute);

    private readonly Limit<int> _upload = Count("--max-upload-mb", "The largest request, in megabytes.", 512, 100_000);

    private readonly Limit<double> _audio = Number("--max-audio-minutes", "The longest recording.", Initially.MaximumAudioSeconds / 60, 0.01, 36 * 60);

    private readonly Limit<double> _slow = Seconds("--slow-client-seconds", "How long the head of a request may take, and its body may come at less than 240 bytes a second.", Initially.SlowClientTimeout, 2);

    private readonly Limit<double> _idle = Seconds("--connection-idle-seconds", "How long a connection is kept without a request; longer than a load balancer in front keeps it.", Initially.ConnectionIdleTimeout, 1);

    private readonly Limit<double> _decoding = Seconds("--decoding-seconds", "How long ffmpeg may take for a recording.", Initially.DecodingTimeout, 1);

    private readonly Limit<int> _decodingMemory = Count("--decoding-memory-mb", "Address space of an ffmpeg process, in megabytes.", (int)(Initially.DecodingMemoryBytes >> 20), Many, minimum: 256);

    private readonly Limit<int> _decodingProcesses = Count("--decoding-processes", "Recordings that ffmpeg decodes at the same time.", Initially.DecodingProcesses, 1024);

    private readonly Limit<int> _decoded = Count("--max-decoded-mb", "Memory of all decoded recordings, in megabytes; a minute takes 8. Unless said otherwise a quarter of what there is.", (int)(Initially.MaximumDecodedBytes >> 20), 10 * Many, minimum: 16);

    private readonly Limit<int> _streams = Count("--max-streams", "Live streams at the same time.", Initially.MaximumStreams);

    private readonly Limit<int> _streamsOfClient = Count("--max-streams-per-client", "The same of one client.", Initially.MaximumStreamsPerClient);

    private readonly Limit<double> _streamIdle = Seconds("--stream-idle-seconds", "How long a live stream may send nothing, or not read.", Initially.StreamIdleTimeout, 1);

    private readonly Limit<int> _jobs = Count("--max-jobs", "Jobs that are held, those that are done included.", Initially.MaximumJobs);

    private readonly Limit<int> _jobsOfClient = Count("--max-jobs-per-client", "The same of one client.", Initially.MaximumJobsPerClient);

    private readonly Limit<int> _fetches = Count("--max-fetches", "Recordings of jobs that are fetched, or wait to be decoded after that, at the same time; a quarter of them of one client.", Initially.MaximumFetches, 10_000, minimum: 2);

    private readonly Limit<double> _retention = Number("--keep-jobs-minutes", "How long the result of a job is kept.", Initially.JobRetention.TotalMinutes, 0.01, 60 * 24 * 30);

    /// <summary>Adds the options to a command.</summary>
    public void AddTo(Command command)
    {
        foreach (Option option in new Option[]
        {
            _requests.Option, _requestsOfClient.Option, _rate.Option, _upload.Option, _audio.Option, _slow.Option, _idle.Option, _decoding.Option,
            _decodingMemory.Option, _decodingProcesses.Option, _decoded.Option, _streams.Option, _streamsOfClient.Option, _streamIdle.Option,
            _jobs.Option, _jobsOfClient.Option, _fetches.Option, _retention.Option,
        })
        {
            command.Add(option);
        }
    }

    /// <summary>What was chosen for the server.</summary>
    /// <exception cref="UsageException">An environment variable makes no sense.</exception>
    public ServerOptions Apply(ServerOptions options, ParseResult parsed) => options with
    {
        RequestsPerMinute = _rate.Read(parsed),
        MaximumUploadBytes = _upload.Read(parsed)!.Value * 1_000_000L,
        MaximumAudioSeconds = _audio.Read(parsed)!.Value * 60,
        SlowClientTimeout = Span(_slow, parsed),
        ConnectionIdleTimeout = Span(_idle, parsed),
        DecodingTimeout = Span(_decoding, parsed),
        DecodingMemoryBytes = (long)_decodingMemory.Read(parsed)!.Value << 20,
        DecodingProcesses = _decodingProcesses.Read(parsed)!.Value,
        MaximumDecodedBytes = (long)_decoded.Read(parsed)!.Value << 20,
        MaximumStreams = _streams.Read(parsed)!.Value,
        MaximumStreamsPerClient = _streamsOfClient.Read(parsed)!.Value,
        StreamIdleTimeout = Span(_streamIdle, parsed),
        MaximumJobs = _jobs.Read(parsed)!.Value,
        MaximumJobsPerClient = _jobsOfClient.Read(parsed)!.Value,
        MaximumFetches = _fetches.Read(parsed)!.Value,
        JobRetention = TimeSpan.FromMinutes(_retention.Read(parsed)!.Value),
    };

    /// <summary>What was chosen for the engines.</summary>
    /// <exception cref="UsageException">An environment variable makes no sense.</exception>
    public EngineOptions Apply(EngineOptions options, ParseResult parsed) =>
        options with { MaxRequests = _requests.Read(parsed)!.Value, MaxRequestsPerClient = _requestsOfClient.Read(parsed)!.Value };

    private static TimeSpan Span(Limit<double> seconds, ParseResult parsed) => TimeSpan.FromSeconds(seconds.Read(parsed)!.Value);

    private static Limit<int> Count(string name, string description, int? initially, int maximum = Many, int minimum = 1) =>
        new(name, description, initially, ValueKind.WholeNumber(minimum, maximum));

    private static Limit<double> Number(string name, string description, double initially, double minimum, double maximum) =>
        new(name, description, initially, ValueKind.Number(minimum, maximum));

    private static Limit<double> Seconds(string name, string description, TimeSpan initially, double minimum) =>
        Number(name, description, initially.TotalSeconds, minimum, Day);
}
