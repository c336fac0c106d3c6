using System.Diagnostics;
using Handwritten.Kernels.Cpu;
using Handwritten.Model;
using Handwritten.Runtime.Transcription;

namespace Handwritten.Load;

/// <summary>
/// The library without engine and server, one recording after the other: it says what the right answers are, and how long the
/// work takes where nothing is shared and nothing has to be sent.
/// </summary>
internal sealed class PlainTranscriber : IDisposable
{
    private readonly CpuKernels _kernels = new();
    private readonly WhisperModel _model;
    private readonly Transcriber _transcriber;
    private readonly Dictionary<(string Recording, string Way, string? Language), string> _texts = [];

    /// <summary>Loads the demo model.</summary>
    public PlainTranscriber()
    {
        _model = WhisperModel.Load(Recording.ModelFolder, _kernels);
        _transcriber = new Transcriber(_model);
    }

    /// <summary>The right text of a request, computed when it is first asked for. For several threads.</summary>
    public string Expected(Request request)
    {
        lock (_texts)
        {
            (string, string, string?) key = (request.Recording.Name, request.Way.Name, request.Language);
            return _texts.TryGetValue(key, out string? text) ? text : _texts[key] = Transcribe(request);
        }
    }

    /// <summary>Works requests off.</summary>
    /// <returns>How long it took.</returns>
    public Served Serve(IReadOnlyList<Request> requests)
    {
        double[] latencies = new double[requests.Count];
        long begun = Stopwatch.GetTimestamp();
        for (int i = 0; i < requests.Count; i++)
        {
            long sent = Stopwatch.GetTimestamp();
            Transcribe(requests[i]);
            latencies[i] = Stopwatch.GetElapsedTime(sent).TotalSeconds;
        }

        return new Served(Stopwatch.GetElapsedTime(begun).TotalSeconds, requests.Sum(request => request.Recording.Seconds), latencies, 0);
    }

    public void Dispose()
    {
        _transcriber.Dispose();
        _model.Dispose();
        _kernels.Dispose();
    }

    private string Transcribe(Request request) =>
        _transcriber.Transcribe(request.Recording.Samples, request.Way.For(request.Language)).Text.Trim();
}
