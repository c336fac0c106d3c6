namespace Handwritten.Load;

/// <summary>
/// What batching is worth: the same requests from the same clients to a server that batches, to one that takes a window at a
/// time, and without any server to the plain transcriber, which has no clients, nothing to send and nothing to share. The three
/// take turns, so that whatever else the machine does hits all of them; ratios are taken within a turn.
/// </summary>
internal sealed record BatchingGain(int Clients, int Turns, IReadOnlyList<BatchingRow> Rows) : IFindings
{
    public const int UsualTurns = 5;

    /// <summary>Requests of a turn that are short; of long recordings there are as many as make as much audio.</summary>
    public const int UsualRequests = 120;

    /// <summary>One request at a time: the lanes are for its beams.</summary>
    private static readonly string[] OneAtATime = ["--batch-size", "1", "--lanes", "8"];

    public string Title => $"{Clients} clients, batching on and off in {Turns} turns";

    public string? Failure => Rows.Sum(row => row.WrongTexts) is > 0 and var wrong ? $"{wrong} answers were not the text that the recording has alone." : null;

    /// <summary>Starts two servers and measures.</summary>
    public static async Task<BatchingGain> MeasureAsync(int clients, int turns, int requests, CancellationToken cancellation)
    {
        using PlainTranscriber plain = new();
        await using ServerProcess on = await ServerProcess.StartAsync([], cancellation), off = await ServerProcess.StartAsync(OneAtATime, cancellation);
        int longRequests = Math.Max(clients, (int)(requests * Recording.Short.Average(recording => recording.Seconds) / Recording.Long.Average(recording => recording.Seconds)));
        List<BatchingRow> rows = [];
        foreach (Way way in new[] { Way.Greedy, Way.Beams })
        {
            rows.Add(await CompareAsync($"commands, {way.Name}", Load.Clients.Repeat(Recording.Short, way, requests)));
            rows.Add(await CompareAsync($"several windows, {way.Name}", Load.Clients.Repeat(Recording.Long, way, longRequests)));
        }

        return new BatchingGain(clients, turns, rows);

        async Task<BatchingRow> CompareAsync(string name, IReadOnlyList<Request> work)
        {
            List<(Turn On, Turn Off, Turn Plain)> taken = [];
            for (int turn = 0; turn <= turns; turn++)
            {
                taken.Add((
                    await Turn.TakeAsync(() => on.ProcessorSeconds, () => Load.Clients.SendAsync(on, work, clients, plain.Expected, cancellation)),
                    await Turn.TakeAsync(() => off.ProcessorSeconds, () => Load.Clients.SendAsync(off, work, clients, plain.Expected, cancellation)),
                    await Turn.TakeAsync(() => Environment.CpuUsage.TotalTime.TotalSeconds, () => Task.FromResult(plain.Serve(work)))));
            }

            taken.RemoveAt(0); // a warm-up
            return new BatchingRow(
                name, work.Count,
                BatchingSide.Of(taken.Select(turn => turn.On)), BatchingSide.Of(taken.Select(turn => turn.Off)), BatchingSide.Of(taken.Select(turn => turn.Plain)),
                taken.Select(turn => turn.On.Served.Throughput / turn.Off.Served.Throughput).Median(),
                taken.Select(turn => turn.On.Served.Throughput / turn.Plain.Served.Throughput).Median(),
                taken.Sum(turn => turn.On.Served.WrongTexts + turn.Off.Served.WrongTexts));
        }
    }

    public Table ToTable()
    {
        Table table = new(
            "requests", "on, audio s/s", "off, audio s/s", "no server, audio s/s", "on : off", "on : no server", "on, p50 ms", "off, p50 ms",
            "on, processor ms", "off, processor ms", "no server, processor ms");
        foreach (BatchingRow row in Rows)
        {
            table.Add(
                $"{row.Requests} {row.Name}", Table.Number(row.On.Throughput, 1), Table.Number(row.Off.Throughput, 1), Table.Number(row.Plain.Throughput, 1),
                $"{Table.Number(row.OverOff, 2)}x", $"{Table.Number(row.OverPlain, 2)}x", Table.Number(row.On.P50 * 1e3, 1), Table.Number(row.Off.P50 * 1e3, 1),
                Table.Number(row.On.ProcessorSeconds * 1e3, 1), Table.Number(row.Off.ProcessorSeconds * 1e3, 1), Table.Number(row.Plain.ProcessorSeconds * 1e3, 1));
        }

        return table;
    }

}

/// <summary>What one of the three had in its turn.</summary>
/// <param name="Served">What its clients had.</param>
/// <param name="ProcessorSeconds">Processor time that it took.</param>
internal sealed record Turn(Served Served, double ProcessorSeconds)
{
    /// <summary>Measures a turn.</summary>
    /// <param name="processor">Processor time so far.</param>
    /// <param name="work">The turn.</param>
    public static async Task<Turn> TakeAsync(Func<double> processor, Func<Task<Served>> work)
    {
        double before = processor();
        Served served = await work();
        return new Turn(served, processor() - before);
    }
}

/// <summary>What one of the three was worth; medians of the turns.</summary>
/// <param name="Throughput">Audio seconds a second.</param>
/// <param name="P50">Median latency, in seconds.</param>
/// <param name="ProcessorSeconds">Processor time of a request, which hangs less on what else the machine does.</param>
internal sealed record BatchingSide(double Throughput, double P50, double ProcessorSeconds)
{
    /// <summary>Takes the medians.</summary>
    public static BatchingSide Of(IEnumerable<Turn> turns)
    {
        Turn[] taken = [.. turns];
        return new BatchingSide(
            taken.Select(turn => turn.Served.Throughput).Median(),
            taken.SelectMany(turn => turn.Served.Latencies).Median(),
            taken.Select(turn => turn.ProcessorSeconds / turn.Served.Latencies.Count).Median());
    }
}

/// <summary>What batching is worth for requests of one kind.</summary>
/// <param name="Name">The kind.</param>
/// <param name="Requests">Of each turn.</param>
/// <param name="On">The server that batches.</param>
/// <param name="Off">The server that takes one window at a time.</param>
/// <param name="Plain">No server.</param>
/// <param name="OverOff">Throughput with batching over that of one window at a time: median of the turns' ratios.</param>
/// <param name="OverPlain">The same over that without a server.</param>
/// <param name="WrongTexts">Answers that were not the right text.</param>
internal sealed record BatchingRow(string Name, int Requests, BatchingSide On, BatchingSide Off, BatchingSide Plain, double OverOff, double OverPlain, int WrongTexts);
