using System.Diagnostics;

namespace Handwritten.Load;

/// <summary>Many short requests, and what the server keeps of them in memory: nothing.</summary>
internal sealed record RequestMemory(int Clients, int Requests, double Seconds, Growth Memory, int WrongTexts) : IFindings
{
    public const int UsualRequests = 10_000;

    public string Title => $"{Requests} short requests of {Clients} clients";

    public string? Failure => WrongTexts > 0 ? $"{WrongTexts} answers were not the text that the recording has alone." : Memory.Failure;

    /// <summary>Starts a server and sends it requests.</summary>
    public static async Task<RequestMemory> MeasureAsync(int clients, int requests, CancellationToken cancellation)
    {
        using PlainTranscriber plain = new();
        await using ServerProcess server = await ServerProcess.StartAsync([], cancellation);
        IReadOnlyList<Request> work = Load.Clients.Repeat(Recording.Short, Way.Greedy, requests);
        long begun = Stopwatch.GetTimestamp();
        List<long> samples = [];
        int wrong = 0;
        for (int part = 0; part < Growth.Samples; part++)
        {
            int first = (int)((long)part * requests / Growth.Samples), end = (int)((part + 1L) * requests / Growth.Samples);
            wrong += (await Load.Clients.SendAsync(server, [.. work.Skip(first).Take(end - first)], clients, plain.Expected, cancellation)).WrongTexts;
            samples.Add(server.ResidentBytes);
        }

        return new RequestMemory(clients, requests, Stopwatch.GetElapsedTime(begun).TotalSeconds, Growth.Of(samples), wrong);
    }

    public Table ToTable()
    {
        Table table = new("requests", "seconds", "after the warm-up, MB", "at the end, MB", "growth", "peak, MB");
        table.Add($"{Requests}", Table.Number(Seconds), Table.Megabytes(Memory.WarmedUpBytes), Table.Megabytes(Memory.LastBytes), Table.Percent(Memory.Share), Table.Megabytes(Memory.PeakBytes));
        return table;
    }
}
