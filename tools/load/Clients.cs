using System.Diagnostics;

namespace Handwritten.Load;

/// <summary>What a number of clients had of the server.</summary>
/// <param name="Seconds">From the first request to the last answer.</param>
/// <param name="AudioSeconds">Length of all recordings together.</param>
/// <param name="Latencies">Seconds of each request.</param>
/// <param name="WrongTexts">Answers that were not the expected text.</param>
internal sealed record Served(double Seconds, double AudioSeconds, IReadOnlyList<double> Latencies, int WrongTexts)
{
    /// <summary>Seconds of audio in a second.</summary>
    public double Throughput => AudioSeconds / Seconds;
}

/// <summary>Clients that each send a request, wait for the answer and send the next one, until all requests are sent.</summary>
internal static class Clients
{
    /// <summary>Sends requests.</summary>
    /// <param name="server">Where to.</param>
    /// <param name="requests">What, in this order.</param>
    /// <param name="clients">How many wait at the same time.</param>
    /// <param name="expected">The right text of a request.</param>
    /// <param name="cancellation">Ends it.</param>
    /// <exception cref="HttpRequestException">A request was refused.</exception>
    public static async Task<Served> SendAsync(ServerProcess server, IReadOnlyList<Request> requests, int clients, Func<Request, string> expected, CancellationToken cancellation)
    {
        double[] latencies = new double[requests.Count];
        int next = -1, wrong = 0;
        long begun = Stopwatch.GetTimestamp();
        await Task.WhenAll(Enumerable.Range(0, clients).Select(_ => Task.Run(ClientAsync, cancellation)));
        return new Served(Stopwatch.GetElapsedTime(begun).TotalSeconds, requests.Sum(request => request.Recording.Seconds), latencies, wrong);

        async Task ClientAsync()
        {
            int number;
            while ((number = Interlocked.Increment(ref next)) < requests.Count)
            {
                long sent = Stopwatch.GetTimestamp();
                string text = await requests[number].SendAsync(server.Client, cancellation);
                latencies[number] = Stopwatch.GetElapsedTime(sent).TotalSeconds;
                if (text != expected(requests[number]))
                {
                    Interlocked.Increment(ref wrong);
                }
            }
        }
    }

    /// <summary>So many requests, the recordings one after the other, again and again.</summary>
    public static IReadOnlyList<Request> Repeat(IReadOnlyList<Recording> recordings, Way way, int count) =>
        [.. Enumerable.Range(0, count).Select(i => new Request(recordings[i % recordings.Count], way))];
}
