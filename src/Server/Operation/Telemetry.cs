using System.Diagnostics;
using System.Diagnostics.Metrics;
using Handwritten.Runtime;
using Handwritten.Runtime.Serving;
using Handwritten.Server.Jobs;
using Handwritten.Server.Models;
using Handwritten.Server.Uploads;

namespace Handwritten.Server.Operation;

/// <summary>
/// What the server measures of its work, as OpenTelemetry has it: instruments that /metrics shows in Prometheus' format, and
/// a span for each transcription. What is said is never part of it.
/// </summary>
internal sealed class Telemetry : IDisposable
{
    /// <summary>Name of the meter and of the source of spans.</summary>
    public const string Name = "Handwritten.Server";

    private readonly ActivitySource _source = new(Name);
    private readonly Meter _meter;
    private readonly ModelCatalogue _models;
    private readonly DecodingTurns _decoding;
    private readonly Histogram<double> _queue, _time, _factor;
    private readonly Counter<double> _audio;
    private readonly UpDownCounter<int> _streams;

    public Telemetry(IMeterFactory meters, ModelCatalogue models, JobStore jobs, DecodingTurns decoding, SoundMemory memory)
    {
        (_models, _decoding) = (models, decoding);
        _meter = meters.Create(Name);
        _queue = Histogram("handwritten.queue.time", "s", "Time that a request waited, to be decoded and for its first window.", [0.003, 0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30, 100]);
        _time = Histogram("handwritten.transcription.time", "s", "Time from a decoded recording to its transcript; of a live stream, from a moment's sound to a hypothesis.", [0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30, 100, 300, 1000]);
        _factor = Histogram("handwritten.real_time_factor", "1", "Time of a transcription over the length of its recording.", [0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1, 3]);
        _audio = _meter.CreateCounter<double>("handwritten.audio", "s", "Audio that was transcribed; of a live stream, that was spoken.");
        _streams = _meter.CreateUpDownCounter<int>("handwritten.streams", "{stream}", "Live streams that are open.");

        _meter.CreateObservableGauge("handwritten.models.loaded", () => _models.All.Count(host => host.Loaded is not null), "{model}", "Models in memory.");
        _meter.CreateObservableGauge(
            "handwritten.queue.depth", () => QueueDepths(jobs.Waiting()).Concat(DecodingDepths()), "{request}", "Requests whose recording waits to be decoded, or of which no window has been taken up, and jobs that wait.");
        _meter.CreateObservableGauge("handwritten.decoded", () => memory.Held, "By", "Memory of decoded recordings.");
        Gauge("handwritten.requests.active", "{request}", "Requests that are under way.", statistics => statistics.Active);
        Gauge("handwritten.lanes.used", "{lane}", "Decoder lanes that hold a sequence.", statistics => statistics.LanesInUse);
        Gauge("handwritten.lanes", "{lane}", "Decoder lanes that there are.", statistics => statistics.Lanes);
        Gauge("handwritten.windows.used", "{window}", "Windows that are listened to.", statistics => statistics.WindowsInUse);
        Count("handwritten.requests.refused", "{request}", "Requests refused because the queue was full.", statistics => statistics.Refused);
        Count("handwritten.requests.failed", "{request}", "Requests that failed.", statistics => statistics.Failed);
        Count("handwritten.requests.cancelled", "{request}", "Requests that were cancelled.", statistics => statistics.Cancelled);
        Count("handwritten.requests.completed", "{request}", "Requests that were transcribed.", statistics => statistics.Completed);
        Count("handwritten.tokens", "{token}", "Tokens chosen.", statistics => statistics.Tokens);
        Count("handwritten.decoder.steps", "{step}", "Steps of the decoder.", statistics => statistics.Steps);
        Count("handwritten.decoder.rows", "{row}", "Sequences of all steps; over the steps, the batch's occupancy.", statistics => statistics.StepRows);
        Count("handwritten.encoder.passes", "{pass}", "Passes of the encoder.", statistics => statistics.EncoderPasses);
        Count("handwritten.encoder.windows", "{window}", "Windows that went through the encoder.", statistics => statistics.EncodedWindows);
        Count("handwritten.encoder.cache_hits", "{window}", "Windows whose encoding was not repeated.", statistics => statistics.WindowsHeardAgain);
        Count("handwritten.engine.busy", "s", "Time that the engine has computed.", statistics => statistics.BusySeconds);
    }

    /// <summary>Begins the span of a transcription.</summary>
    public Activity? StartTranscription(string model, EngineRequest request) => _source.StartActivity("transcribe")?
        .SetTag("handwritten.model", model)
        .SetTag("handwritten.audio_seconds", request.Duration)
        .SetTag("handwritten.priority", request.Priority.ToString());

    /// <summary>Counts a transcription that is done.</summary>
    public void Count(string model, EngineRequest request, TimeSpan queued, TimeSpan elapsed, Transcript transcript, Activity? activity)
    {
        Measure(model, request, queued, elapsed);
        _audio.Add(request.Duration, Tags(model, request.Priority));
        activity?
            .SetTag("handwritten.queue_seconds", queued.TotalSeconds)
            .SetTag("handwritten.language", transcript.Language)
            .SetTag("handwritten.tokens", transcript.Segments.Sum(segment => segment.Tokens.Count))
            .SetTag("handwritten.real_time_factor", elapsed.TotalSeconds / request.Duration);
    }

    /// <summary>Begins the span of a part of a live stream.</summary>
    public Activity? StartPart(string model) => _source.StartActivity("listen")?.SetTag("handwritten.model", model);

    /// <summary>Counts a hypothesis about a live stream's sentence.</summary>
    public void CountHypothesis(string model, ServedTranscription served) => Measure(model, served.Request, served.QueueTime, served.Elapsed);

    /// <summary>Counts a part of a live stream that has ended.</summary>
    /// <param name="model">The model's name.</param>
    /// <param name="seconds">How long it was.</param>
    /// <param name="language">Code of the language; null if nothing was said.</param>
    /// <param name="sentences">Final texts.</param>
    /// <param name="activity">Its span.</param>
    public void CountPart(string model, double seconds, string? language, int sentences, Activity? activity)
    {
        _audio.Add(seconds, Tags(model, RequestPriority.Live));
        activity?
            .SetTag("handwritten.audio_seconds", seconds)
            .SetTag("handwritten.language", language)
            .SetTag("handwritten.sentences", sentences);
    }

    /// <summary>Counts live streams.</summary>
    /// <param name="change">1 for one that begins, −1 for one that ends.</param>
    public void CountStream(int change) => _streams.Add(change);

    public void Dispose()
    {
        _source.Dispose();
        _meter.Dispose();
    }

    private void Measure(string model, EngineRequest request, TimeSpan queued, TimeSpan elapsed)
    {
        TagList tags = Tags(model, request.Priority);
        _queue.Record(queued.TotalSeconds, tags);
        _time.Record(elapsed.TotalSeconds, tags);
        _factor.Record(elapsed.TotalSeconds / request.Duration, tags);
    }

    private static TagList Tags(string model, RequestPriority priority) => new() { { "model", model }, { "priority", priority.ToString() } };

    /// <summary>The SDK's own boundaries are made for milliseconds.</summary>
    private Histogram<double> Histogram(string name, string unit, string description, double[] boundaries) =>
        _meter.CreateHistogram(name, unit, description, advice: new InstrumentAdvice<double> { HistogramBucketBoundaries = boundaries });

    private void Gauge(string name, string unit, string description, Func<EngineStatistics, int> value) =>
        _meter.CreateObservableGauge(name, () => Observe(value), unit, description);

    private void Count<T>(string name, string unit, string description, Func<EngineStatistics, T> value)
        where T : struct => _meter.CreateObservableCounter(name, () => Observe(value), unit, description);

    private IEnumerable<Measurement<T>> Observe<T>(Func<EngineStatistics, T> value)
        where T : struct =>
        from host in _models.All
        let loaded = host.Loaded
        where loaded is not null
        select new Measurement<T>(value(loaded.Engine.Statistics), new KeyValuePair<string, object?>("model", host.Source.Name));

    private IEnumerable<Measurement<int>> QueueDepths(IReadOnlyList<(string? Model, RequestPriority Priority, int Count)> jobs) =>
        from host in _models.All
        let waiting = host.Loaded?.Engine.Statistics.Waiting
        from priority in Enum.GetValues<RequestPriority>()
        let ofJobs = jobs.Where(some => some.Priority == priority && _models.Find(some.Model) == host).Sum(some => some.Count)
        select new Measurement<int>((waiting?[(int)priority] ?? 0) + ofJobs, new("model", host.Source.Name), new("priority", priority.ToString()));

    private IEnumerable<Measurement<int>> DecodingDepths() => _decoding.Waiting.Select(
        (count, priority) => new Measurement<int>(count, new("stage", "decoding"), new("priority", ((RequestPriority)priority).ToString())));
}
