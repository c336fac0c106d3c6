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

    private readonly Option<int> _requests = Count("--max-requests", "Requests that are accepted and not done; more are told to come back.", Engine.MaxRequests);

    private readonly Option<int> _requestsOfClient = Count("--max-requests-per-client", "The same of one client.", Engine.MaxRequestsPerClient);

    private readonly Option<int?> _rate = Define.Count("--requests-per-minute", "Requests a minute of each client. [default: no limit]", Many);

    private readonly Option<int> _upload = Count("--max-upload-mb", "The largest request, in megabytes.", 512, 100_000);

    private readonly Option<double> _audio = Number("--max-audio-minutes", "The longest recording.", Initially.MaximumAudioSeconds / 60, 0.01, 36 * 60);

    private readonly Option<double> _slow = Seconds("--slow-client-seconds", "How long the head of a request may take, and its body may come at less than 240 bytes a second.", Initially.SlowClientTimeout, 2);

    private readonly Option<double> _idle = Seconds("--connection-idle-seconds", "How long a connection is kept without a request; longer than a load balancer in front keeps it.", Initially.ConnectionIdleTimeout, 1);

    private readonly Option<double> _decoding = Seconds("--decoding-seconds", "How long ffmpeg may take for a recording.", Initially.DecodingTimeout, 1);

    private readonly Option<int> _decodingMemory = Count("--decoding-memory-mb", "Address space of an ffmpeg process, in megabytes.", (int)(Initially.DecodingMemoryBytes >> 20), Many, minimum: 256);

    private readonly Option<int> _decodingProcesses = Count("--decoding-processes", "Recordings that ffmpeg decodes at the same time.", Initially.DecodingProcesses, 1024);

    private readonly Option<int> _decoded = Count("--max-decoded-mb", "Memory of all decoded recordings, in megabytes; a minute takes 8. Unless said otherwise a quarter of what there is.", (int)(Initially.MaximumDecodedBytes >> 20), 10 * Many, minimum: 16);

    private readonly Option<int> _streams = Count("--max-streams", "Live streams at the same time.", Initially.MaximumStreams);

    private readonly Option<int> _streamsOfClient = Count("--max-streams-per-client", "The same of one client.", Initially.MaximumStreamsPerClient);

    private readonly Option<double> _streamIdle = Seconds("--stream-idle-seconds", "How long a live stream may send nothing, or not read.", Initially.StreamIdleTimeout, 1);

    private readonly Option<int> _jobs = Count("--max-jobs", "Jobs that are held, those that are done included.", Initially.MaximumJobs);

    private readonly Option<int> _jobsOfClient = Count("--max-jobs-per-client", "The same of one client.", Initially.MaximumJobsPerClient);

    private readonly Option<int> _fetches = Count("--max-fetches", "Recordings of jobs that are fetched, or wait to be decoded after that, at the same time; a quarter of them of one client.", Initially.MaximumFetches, 10_000, minimum: 2);

    private readonly Option<double> _retention = Number("--keep-jobs-minutes", "How long the result of a job is kept.", Initially.JobRetention.TotalMinutes, 0.01, 60 * 24 * 30);

    /// <summary>Adds the options to a command.</summary>
    public void AddTo(Command command)
    {
        foreach (Option option in new Option[]
        {
            _requests, _requestsOfClient, _rate, _upload, _audio, _slow, _idle, _decoding,
            _decodingMemory, _decodingProcesses, _decoded, _streams, _streamsOfClient, _streamIdle,
            _jobs, _jobsOfClient, _fetches, _retention,
        })
        {
            command.Add(option);
        }
    }

    /// <summary>What was chosen for the server.</summary>
    public ServerOptions Apply(ServerOptions options, ParseResult parsed) => options with
    {
        RequestsPerMinute = parsed.GetValue(_rate),
        MaximumUploadBytes = parsed.GetValue(_upload) * 1_000_000L,
        MaximumAudioSeconds = parsed.GetValue(_audio) * 60,
        SlowClientTimeout = Span(_slow, parsed),
        ConnectionIdleTimeout = Span(_idle, parsed),
        DecodingTimeout = Span(_decoding, parsed),
        DecodingMemoryBytes = (long)parsed.GetValue(_decodingMemory) << 20,
        DecodingProcesses = parsed.GetValue(_decodingProcesses),
        MaximumDecodedBytes = (long)parsed.GetValue(_decoded) << 20,
        MaximumStreams = parsed.GetValue(_streams),
        MaximumStreamsPerClient = parsed.GetValue(_streamsOfClient),
        StreamIdleTimeout = Span(_streamIdle, parsed),
        MaximumJobs = parsed.GetValue(_jobs),
        MaximumJobsPerClient = parsed.GetValue(_jobsOfClient),
        MaximumFetches = parsed.GetValue(_fetches),
        JobRetention = TimeSpan.FromMinutes(parsed.GetValue(_retention)),
    };

    /// <summary>What was chosen for the engines.</summary>
    public EngineOptions Apply(EngineOptions options, ParseResult parsed) =>
        options with { MaxRequests = parsed.GetValue(_requests), MaxRequestsPerClient = parsed.GetValue(_requestsOfClient) };

    private static TimeSpan Span(Option<double> seconds, ParseResult parsed) => TimeSpan.FromSeconds(parsed.GetValue(seconds));

    private static Option<int> Count(string name, string description, int initially, int maximum = Many, int minimum = 1) =>
        Define.Value(name, description, initially, ValueKind.WholeNumber(minimum, maximum));

    private static Option<double> Number(string name, string description, double initially, double minimum, double maximum) =>
        Define.Value(name, description, initially, ValueKind.Number(minimum, maximum));

    private static Option<double> Seconds(string name, string description, TimeSpan initially, double minimum) =>
        Number(name, description, initially.TotalSeconds, minimum, Day);
}
