using System.Diagnostics;
using System.Runtime.CompilerServices;
using Handwritten.Kernels.Cpu;
using Handwritten.Kernels.Gpu;
using Handwritten.Model.Tokenization;
using Handwritten.Runtime;
using Handwritten.Runtime.Serving;
using Handwritten.Server.Models;
using Handwritten.Server.Operation;

namespace Handwritten.Server.Recognition;

/// <summary>
/// A transcription under way. It holds its model in memory, and is measured and traced, until it is disposed. It is cancelled before the
/// engine's next step, which may be a while; at the last call, who waits for it is let go at once.
/// </summary>
internal sealed class RunningTranscription : IDisposable
{
    private readonly ModelLease _lease;
    private readonly ServedTranscription _work;
    private readonly TimeSpan _waited;
    private readonly Telemetry _telemetry;
    private readonly CancellationToken _lastCall;
    private readonly Activity? _activity;
    private readonly long _begun = Stopwatch.GetTimestamp();

    /// <param name="lease">Holds the model.</param>
    /// <param name="work">What the engine does.</param>
    /// <param name="waited">How long the recording waited to be decoded.</param>
    /// <param name="telemetry">Measures it.</param>
    /// <param name="lastCall">Lets go of who waits.</param>
    public RunningTranscription(ModelLease lease, ServedTranscription work, TimeSpan waited, Telemetry telemetry, CancellationToken lastCall)
    {
        (_lease, _work, _waited, _telemetry, _lastCall) = (lease, work, waited, telemetry, lastCall);
        _activity = telemetry.StartTranscription(Model, work.Request);
    }

    /// <summary>The model's name.</summary>
    public string Model => _lease.Model.Model.Name;

    /// <summary>What computes: <c>cuda</c> or <c>cpu</c>.</summary>
    public string Device => _lease.Model.Kernels is CpuKernels ? "cpu" : "cuda";

    /// <summary>The model's tokenizer, which outlives the model.</summary>
    public WhisperTokenizer Tokenizer => _lease.Model.Model.Tokenizer;

    /// <summary>Seconds of the recording.</summary>
    public double Duration => _work.Duration;

    /// <summary>Seconds of the recording that have been transcribed.</summary>
    public double Position => _work.Position;

    /// <summary>Code of the language, given or detected; known before the first segment.</summary>
    public Task<string> Language => GuardAsync(_work.Language.WaitAsync(_lastCall));

    /// <summary>The segments as they come, once.</summary>
    public async IAsyncEnumerable<Segment> SegmentsAsync([EnumeratorCancellation] CancellationToken cancellation)
    {
        using CancellationTokenSource either = CancellationTokenSource.CreateLinkedTokenSource(cancellation, _lastCall);
        await using IAsyncEnumerator<Segment> segments = _work.Segments(either.Token).GetAsyncEnumerator(CancellationToken.None);
        while (await GuardAsync(segments.MoveNextAsync().AsTask()))
        {
            yield return segments.Current;
        }
    }

    /// <summary>How long it has taken since the recording was decoded.</summary>
    public TimeSpan Elapsed => Stopwatch.GetElapsedTime(_begun);

    /// <summary>How long it waited, to be decoded and for its first window.</summary>
    public TimeSpan QueueTime => _waited + _work.QueueTime;

    /// <summary>The whole transcript; counted in the metrics, so that it is asked for once.</summary>
    public async Task<Transcript> TranscriptAsync()
    {
        Transcript transcript = await GuardAsync(_work.Transcript.WaitAsync(_lastCall));
        _telemetry.Count(Model, _work.Request, QueueTime, Elapsed, transcript, _activity);
        return transcript;
    }

    public void Dispose()
    {
        _work.Dispose();
        _activity?.Dispose();
        _lease.Dispose();
    }

    /// <summary>A device that was lost fails for ever: the model is loaded anew for the next request.</summary>
    private async Task<T> GuardAsync<T>(Task<T> task)
    {
        try
        {
            return await task;
        }
        catch (Exception failure)
        {
            _activity?.SetStatus(ActivityStatusCode.Error, failure.GetType().Name);
            if (failure is GpuException { IsDeviceLost: true })
            {
                _lease.Retire();
            }

            throw;
        }
    }
}
