using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;

namespace Handwritten.Load;

/// <summary>What a client of the storm does.</summary>
internal enum Deed
{
    /// <summary>Sends a recording and waits for its text.</summary>
    Asks,

    /// <summary>Sends a recording and leaves after a moment.</summary>
    Leaves,

    /// <summary>Sends a part of a recording, and its connection is reset.</summary>
    HangsUp,

    /// <summary>Sends what is no recording.</summary>
    SendsGarbage,

    /// <summary>Asks for what cannot be.</summary>
    AsksTheImpossible,

    /// <summary>Speaks, and its connection is reset.</summary>
    VanishesSpeaking,

    /// <summary>Hands a job in and cancels it after a moment.</summary>
    CancelsAJob,
}

/// <summary>
/// Healthy clients among those that leave, break off, send garbage or ask for the impossible, all at random and the same at each
/// run of a seed. Each healthy one must get the very text that its recording has alone, each mistake its error, and in the end
/// the server must hold nothing.
/// </summary>
internal sealed record FaultStorm(int Seed, int Clients, IReadOnlyDictionary<Deed, int> Deeds, int WrongTexts, IReadOnlyList<string> WrongErrors, double LeftInUse, int LeftFiles) : IFindings
{
    public const int UsualSeed = 1, UsualRequests = 1000;

    /// <summary>Half of the clients are healthy.</summary>
    private const int HealthyOf = 2;

    /// <summary>The longest that a client stays which is about to leave: about as long as an answer takes.</summary>
    private const int LongestStay = 200;

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    private static readonly Deed[] Faults = [.. Enum.GetValues<Deed>().Where(deed => deed != Deed.Asks)];

    /// <summary>What no engine can do, each as a field of the form.</summary>
    private static readonly (string Name, string Value)[] Impossible =
        [("beam_size", "1000"), ("best_of", "many"), ("max_new_tokens", "448"), ("prompt", "<|endoftext|>"), ("model", "gpt-9"), ("clip_timestamps", "1000")];

    public string Title => $"{Deeds.Values.Sum()} requests of {Clients} clients, half of them faulty (seed {Seed})";

    public string? Failure =>
        WrongTexts > 0 ? $"{WrongTexts} healthy requests did not get the text that the recording has alone."
        : WrongErrors.Count > 0 ? $"{WrongErrors.Count} faulty requests did not get their error: {WrongErrors[0]}"
        : LeftInUse > 0 ? $"The server still holds {LeftInUse} lanes, windows, requests or streams."
        : LeftFiles > 0 ? $"The server still holds {LeftFiles} recordings."
        : null;

    /// <summary>Starts a server and lets the storm loose.</summary>
    public static async Task<FaultStorm> MeasureAsync(int seed, int clients, int requests, CancellationToken cancellation)
    {
        using PlainTranscriber plain = new();
        await using ServerProcess server = await ServerProcess.StartAsync([], cancellation);
        Storm storm = new(server, plain, cancellation);
        int next = -1;
        await Task.WhenAll(Enumerable.Range(0, clients).Select(_ => Task.Run(
            async () =>
            {
                int number;
                while ((number = Interlocked.Increment(ref next)) < requests)
                {
                    await storm.ActAsync(new Random(unchecked((seed * 1_000_003) + number)));
                }
            },
            cancellation)));

        double inUse;
        int files;
        long end = Environment.TickCount64 + (long)Patience.TotalMilliseconds;
        do
        {
            inUse = (await ServerMetrics.ReadAsync(server, cancellation)).InUse;
            files = server.ScratchFiles;
        }
        while (inUse + files > 0 && Environment.TickCount64 < end);

        await storm.AskAsync(new Request(Recording.Short[0], Way.Greedy)); // it still answers
        return new FaultStorm(seed, clients, storm.Deeds, storm.WrongTexts, storm.WrongErrors, inUse, files);
    }

    public Table ToTable()
    {
        Table table = new("what clients did", "how often");
        foreach ((Deed deed, int count) in Deeds.OrderBy(deed => deed.Key))
        {
            table.Add(deed.ToString(), $"{count}");
        }

        table.Add("wrong texts", $"{WrongTexts}");
        table.Add("wrong errors", $"{WrongErrors.Count}");
        table.Add("lanes, windows, requests, streams held in the end", $"{LeftInUse}");
        table.Add("recordings held in the end", $"{LeftFiles}");
        return table;
    }

    private sealed class Storm(ServerProcess server, PlainTranscriber plain, CancellationToken cancellation)
    {
        private readonly Lock _lock = new();

        public Dictionary<Deed, int> Deeds { get; } = [];

        public List<string> WrongErrors { get; } = [];

        public int WrongTexts { get; private set; }

        public async Task ActAsync(Random random)
        {
            Request request = new(random.GetItems([.. Recording.Short], 1)[0], random.GetItems([.. Way.All], 1)[0], NamesLanguage: random.Next(2) == 0);
            Deed deed = random.Next(HealthyOf) == 0 ? Deed.Asks : Faults[random.Next(Faults.Length)];
            lock (_lock)
            {
                Deeds[deed] = Deeds.GetValueOrDefault(deed) + 1;
            }

            await (deed switch
            {
                Deed.Asks => AskAsync(request),
                Deed.Leaves => LeaveAsync(request, random),
                Deed.HangsUp => HangUpAsync(request, random),
                Deed.SendsGarbage => SendGarbageAsync(request, random),
                Deed.AsksTheImpossible => AskTheImpossibleAsync(request, random),
                Deed.VanishesSpeaking => VanishSpeakingAsync(request.Recording, random),
                _ => CancelJobAsync(request, random),
            });
        }

        public async Task AskAsync(Request request)
        {
            string text = await request.SendAsync(server.Client, cancellation);
            if (text != plain.Expected(request))
            {
                lock (_lock)
                {
                    WrongTexts++;
                }
            }
        }

        private async Task LeaveAsync(Request request, Random random)
        {
            using CancellationTokenSource leaving = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
            leaving.CancelAfter(random.Next(LongestStay));
            try
            {
                await request.SendAsync(server.Client, leaving.Token);
            }
            catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
            {
                // As intended; whoever is served before stays for the answer.
            }
        }

        private async Task HangUpAsync(Request request, Random random)
        {
            using MultipartFormDataContent form = request.Form(request.Recording.Bytes);
            byte[] body = await form.ReadAsByteArrayAsync(cancellation);
            byte[] head = Encoding.ASCII.GetBytes(
                $"POST /v1/audio/transcriptions HTTP/1.1\r\nHost: {server.Address.Authority}\r\nContent-Type: {form.Headers.ContentType}\r\nContent-Length: {body.Length}\r\n\r\n");
            using TcpClient client = new() { LingerState = new LingerOption(enable: true, seconds: 0) };
            await client.ConnectAsync(server.Address.Host, server.Address.Port, cancellation);
            await client.GetStream().WriteAsync(head, cancellation);
            await client.GetStream().WriteAsync(body.AsMemory(0, random.Next(body.Length)), cancellation);
            await Task.Delay(random.Next(20), cancellation);
        }

        private Task SendGarbageAsync(Request request, Random random)
        {
            byte[] garbage = new byte[1 + random.Next(100_000)];
            random.NextBytes(garbage);
            return ExpectAsync(request.Form(garbage), HttpStatusCode.BadRequest);
        }

        private Task AskTheImpossibleAsync(Request request, Random random)
        {
            (string name, string value) = Impossible[random.Next(Impossible.Length)];
            Request plainRequest = request with { Way = Way.Greedy };
            return ExpectAsync(plainRequest.Form(request.Recording.Bytes, (name, value)), name == "model" ? HttpStatusCode.NotFound : HttpStatusCode.BadRequest);
        }

        private async Task VanishSpeakingAsync(Recording recording, Random random)
        {
            using StreamClient stream = await StreamClient.OpenAsync(server, "language=en", cancellation);
            byte[] pcm = recording.ToPcm(silence: 1);
            await stream.SendAsync(pcm.AsMemory(0, random.Next(pcm.Length) & ~1), cancellation);
            await Task.Delay(random.Next(LongestStay), cancellation);
            stream.Abort();
        }

        private async Task CancelJobAsync(Request request, Random random)
        {
            using MultipartFormDataContent form = request.Form(request.Recording.Bytes);
            using HttpResponseMessage accepted = await server.Client.PostAsync("/v1/jobs", form, cancellation);
            string id = JsonDocument.Parse(await accepted.Content.ReadAsStringAsync(cancellation)).RootElement.GetProperty("id").GetString()!;
            await Task.Delay(random.Next(LongestStay), cancellation);
            using HttpResponseMessage deleted = await server.Client.DeleteAsync($"/v1/jobs/{id}", cancellation);
            Judge(deleted.IsSuccessStatusCode, $"DELETE of a job: {(int)deleted.StatusCode}");
        }

        private async Task ExpectAsync(MultipartFormDataContent form, HttpStatusCode status)
        {
            using (form)
            {
                using HttpResponseMessage response = await server.Client.PostAsync("/v1/audio/transcriptions", form, cancellation);
                string answer = await response.Content.ReadAsStringAsync(cancellation);
                Judge(response.StatusCode == status && answer.Contains("\"error\"", StringComparison.Ordinal), $"{(int)response.StatusCode} instead of {(int)status}: {answer}");
            }
        }

        private void Judge(bool isRight, string otherwise)
        {
            if (!isRight)
            {
                lock (_lock)
                {
                    WrongErrors.Add(otherwise);
                }
            }
        }
    }
}
