using System.Globalization;

namespace Handwritten.Load;

/// <summary>A look at the server's /metrics: Prometheus' text, the series of a name added up.</summary>
internal sealed class ServerMetrics
{
    private readonly Dictionary<string, double> _sums = [];

    private ServerMetrics(string text)
    {
        foreach (string line in text.Split('\n').Where(line => line.Length > 0 && line[0] != '#'))
        {
            // handwritten_lanes_used{model="whisper-nano"} 3 1718000000000
            int name = line.IndexOfAny(['{', ' ']), value = line.LastIndexOf('}') + 1;
            string[] rest = line[Math.Max(name, value)..].Split(' ', StringSplitOptions.RemoveEmptyEntries);
            _sums[line[..name]] = _sums.GetValueOrDefault(line[..name]) + double.Parse(rest[0], CultureInfo.InvariantCulture);
        }
    }

    /// <summary>Sequences that hold a lane, windows that are listened to, requests that wait or are under way, streams: all that is busy.</summary>
    public double InUse =>
        Sum("handwritten_lanes_used") + Sum("handwritten_windows_used") + Sum("handwritten_queue_depth") + Sum("handwritten_requests_active") + Sum("handwritten_streams");

    /// <summary>Sequences that shared the steps so far, all together.</summary>
    public double StepRows => Sum("handwritten_decoder_rows_total");

    /// <summary>Steps of the decoder so far.</summary>
    public double Steps => Sum("handwritten_decoder_steps_total");

    /// <summary>Windows that were encoded so far.</summary>
    public double Windows => Sum("handwritten_encoder_windows_total");

    /// <summary>Passes of the encoder so far.</summary>
    public double Passes => Sum("handwritten_encoder_passes_total");

    /// <summary>Seconds that the engine has computed so far.</summary>
    public double BusySeconds => Sum("handwritten_engine_busy_seconds_total");

    /// <summary>Takes a look.</summary>
    public static async Task<ServerMetrics> ReadAsync(ServerProcess server, CancellationToken cancellation)
    {
        // What the server shows is up to 0.3 s old.
        await Task.Delay(400, cancellation);
        return new ServerMetrics(await server.Client.GetStringAsync("/metrics", cancellation));
    }

    private double Sum(string name) => _sums.GetValueOrDefault(name);
}
