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
        int longRequests = Math.Max(1, (int)(requests * Recording.Short.Average(recording => recording.Seconds) / Recording.Long.Average(recording => recording.Seconds)));
        List<BatchingRow> rows = [];
        foreach (Way way in new[] { Way.Greedy, Way.Beams })
        {
            rows.Add(await CompareAsync($"commands, {way.Name}", Load.Clients.Repeat(Recording.Short, way, requests)));
            rows.Add(await CompareAsync($"several windows, {way.Name}", Load.Clients.Repeat(Recording.Long, way, longRequests)));
        }

        return new BatchingGain(clients, turns, rows);

        async Task<BatchingRow> CompareAsync(string name, IReadOnlyList<Request> work)
        {
            List<(Served On, Served Off, Served Plain)> taken = [];
            for (int turn = 0; turn <= turns; turn++)
            {
                taken.Add((
                    await Load.Clients.SendAsync(on, work, clients, plain.Expected, cancellation),
                    await Load.Clients.SendAsync(off, work, clients, plain.Expected, cancellation),
                    plain.Serve(work)));
            }

            taken.RemoveAt(0); // a warm-up
            return new BatchingRow(
                name, work.Count,
                taken.Select(turn => turn.On.Throughput).Median(), taken.Select(turn => turn.Off.Throughput).Median(), taken.Select(turn => turn.Plain.Throughput).Median(),
                taken.Select(turn => turn.On.Throughput / turn.Off.Throughput).Median(), taken.Select(turn => turn.On.Throughput / turn.Plain.Throughput).Median(),
                taken.SelectMany(turn => turn.On.Latencies).Median(), taken.SelectMany(turn => turn.Off.Latencies).Median(),
                taken.Sum(turn => turn.On.WrongTexts + turn.Off.WrongTexts));
        }
    }

    public Table ToTable()
    {
        Table table = new("requests", "on, audio s/s", "off, audio s/s", "no server, audio s/s", "on : off", "on : no server", "on, p50 ms", "off, p50 ms");
        foreach (BatchingRow row in Rows)
        {
            table.Add(
                $"{row.Requests} {row.Name}", Table.Number(row.On, 1), Table.Number(row.Off, 1), Table.Number(row.Plain, 1),
                $"{Table.Number(row.OverOff, 2)}x", $"{Table.Number(row.OverPlain, 2)}x", Table.Number(row.OnP50 * 1e3, 1), Table.Number(row.OffP50 * 1e3, 1));
        }

        return table;
    }
}

/// <summary>What batching is worth for requests of one kind; medians of the turns.</summary>
/// <param name="Name">The kind.</param>
/// <param name="Requests">Of each turn.</param>
/// <param name="On">Audio seconds a second with batching.</param>
/// <param name="Off">With one window at a time.</param>
/// <param name="Plain">Without a server.</param>
/// <param name="OverOff">Ratio.</param>
/// <param name="OverPlain">Ratio.</param>
/// <param name="OnP50">Median latency with batching, in seconds.</param>
/// <param name="OffP50">Median latency with one window at a time, in seconds.</param>
/// <param name="WrongTexts">Answers that were not the right text.</param>
internal sealed record BatchingRow(
    string Name, int Requests, double On, double Off, double Plain, double OverOff, double OverPlain, double OnP50, double OffP50, int WrongTexts);
