namespace Handwritten.Load;

/// <summary>Short commands from more and more clients at once.</summary>
internal sealed record Throughput(IReadOnlyList<ThroughputRow> Rows) : IFindings
{
    /// <summary>Clients at the same time.</summary>
    public static IReadOnlyList<int> UsualClients { get; } = [1, 8, 32];

    /// <summary>Requests of each number of clients.</summary>
    public const int UsualRequests = 480;

    public string Title => $"{Rows[0].Requests} short requests from each number of clients";

    public string? Failure => Rows.Sum(row => row.WrongTexts) is > 0 and var wrong ? $"{wrong} answers were not the text that the recording has alone." : null;

    /// <summary>Starts a server and measures it.</summary>
    public static async Task<Throughput> MeasureAsync(IReadOnlyList<int> clients, int requests, CancellationToken cancellation)
    {
        using PlainTranscriber plain = new();
        await using ServerProcess server = await ServerProcess.StartAsync([], cancellation);
        IReadOnlyList<Request> work = Clients.Repeat(Recording.Short, Way.Greedy, requests);
        await Clients.SendAsync(server, work, clients.Max(), plain.Expected, cancellation); // a warm-up
        List<ThroughputRow> rows = [];
        foreach (int count in clients)
        {
            double processorBefore = server.ProcessorSeconds;
            ServerMetrics before = await ServerMetrics.ReadAsync(server, cancellation);
            Served served = await Clients.SendAsync(server, work, count, plain.Expected, cancellation);
            double processor = server.ProcessorSeconds - processorBefore;
            ServerMetrics after = await ServerMetrics.ReadAsync(server, cancellation);
            rows.Add(new ThroughputRow(
                count, requests, served.Throughput, requests / served.Seconds, served.Latencies.Percentile(0.5), served.Latencies.Percentile(0.95), served.Latencies.Percentile(0.99),
                (after.Windows - before.Windows) / (after.Passes - before.Passes),
                (after.StepRows - before.StepRows) / (after.Steps - before.Steps),
                (after.BusySeconds - before.BusySeconds) / served.Seconds,
                processor / requests,
                served.WrongTexts));
        }

        return new Throughput(rows);
    }

    public Table ToTable()
    {
        Table table = new("clients", "audio s/s", "requests/s", "p50 ms", "p95 ms", "p99 ms", "windows a pass", "texts a step", "engine busy", "processor ms/request");
        foreach (ThroughputRow row in Rows)
        {
            table.Add(
                $"{row.Clients}", Table.Number(row.AudioSecondsPerSecond, 1), Table.Number(row.RequestsPerSecond, 1),
                Table.Number(row.P50 * 1e3, 1), Table.Number(row.P95 * 1e3, 1), Table.Number(row.P99 * 1e3, 1),
                Table.Number(row.WindowsPerPass, 2), Table.Number(row.TextsPerStep, 2), Table.Percent(row.EngineBusy), Table.Number(row.ProcessorSeconds * 1e3, 1));
        }

        return table;
    }
}

/// <summary>What one number of clients had.</summary>
/// <param name="Clients">How many.</param>
/// <param name="Requests">Of all of them.</param>
/// <param name="AudioSecondsPerSecond">Throughput.</param>
/// <param name="RequestsPerSecond">The same in requests.</param>
/// <param name="P50">Seconds that half of the requests took at most.</param>
/// <param name="P95">Seconds that 95 % took at most.</param>
/// <param name="P99">Seconds that 99 % took at most.</param>
/// <param name="WindowsPerPass">Mean windows of an encoder pass.</param>
/// <param name="TextsPerStep">Mean sequences of a decoder step.</param>
/// <param name="EngineBusy">Share of the time in which the engine computed.</param>
/// <param name="ProcessorSeconds">Processor time of the server for a request, which hangs less on what else the machine does.</param>
/// <param name="WrongTexts">Answers that were not the right text.</param>
internal sealed record ThroughputRow(
    int Clients, int Requests, double AudioSecondsPerSecond, double RequestsPerSecond, double P50, double P95, double P99,
    double WindowsPerPass, double TextsPerStep, double EngineBusy, double ProcessorSeconds, int WrongTexts);
