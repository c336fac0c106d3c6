using System.Diagnostics;
using System.Text.Json;
using Handwritten.Runtime.Audio;

namespace Handwritten.Load;

/// <summary>
/// How long somebody who speaks waits for the text: sentences at real speed over one WebSocket, as a microphone gives them. The
/// clock begins where speech ends in the recording, when that sample is sent.
/// <code>
///     sound     ....[ the cat sat on the mat ].................
///     events             partial    partial  │   partial   final
///                                            ├──────┤        │    all words are there, and may still change
///                                            └───────────────┘    they are final
/// </code>
/// </summary>
internal sealed record LiveLatency(int OtherClients, IReadOnlyList<SpokenSentence> Sentences) : IFindings
{
    /// <summary>Every sentence once.</summary>
    public const int UsualSentences = 11;

    private const double Pause = 1.5, LargestPartial = 1, LargestFinal = 2;

    /// <summary>20 ms, as microphones are read.</summary>
    private const int ChunkSamples = AudioClip.SampleRate / 50;

    public string Title => $"{Sentences.Count} sentences spoken at real speed{(OtherClients > 0 ? $", while {OtherClients} clients send recordings" : "")}";

    public string? Failure => Sentences.FirstOrDefault(sentence => sentence.Final is null) is { } lost ? $"'{lost.Recording}' was not heard." : null;

    /// <summary>Starts a server and speaks to it.</summary>
    /// <param name="sentences">How many.</param>
    /// <param name="otherClients">Clients that send recordings meanwhile.</param>
    /// <param name="cancellation">Ends it.</param>
    public static async Task<LiveLatency> MeasureAsync(int sentences, int otherClients, CancellationToken cancellation)
    {
        using PlainTranscriber plain = new();
        await using ServerProcess server = await ServerProcess.StartAsync([], cancellation);
        Recording[] spoken = [.. Recording.Short.Where(recording => recording.Language == "en").Take(sentences)];

        // The first of a process are slower: code is compiled.
        IReadOnlyList<Request> others = Clients.Repeat(Recording.Short, Way.Greedy, 32 * Math.Max(1, otherClients));
        await Clients.SendAsync(server, others, clients: 8, plain.Expected, cancellation);
        using (StreamClient first = await StreamClient.OpenAsync(server, "language=en", cancellation))
        {
            await SpeakAsync(first, spoken[0], cancellation);
        }

        using CancellationTokenSource ending = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        Task company = otherClients > 0 ? KeepBusyAsync() : Task.CompletedTask;
        List<SpokenSentence> heard = [];
        foreach (Recording recording in spoken)
        {
            using StreamClient stream = await StreamClient.OpenAsync(server, "language=en", cancellation);
            heard.Add(await SpeakAsync(stream, recording, cancellation));
        }

        await ending.CancelAsync();
        await company.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        return new LiveLatency(otherClients, heard);

        async Task KeepBusyAsync()
        {
            while (true)
            {
                await Clients.SendAsync(server, others, otherClients, plain.Expected, ending.Token);
            }
        }
    }

    public Table ToTable()
    {
        Table table = new("speech end to", "median, s", "largest, s", "wanted, s", "late");
        Add("all words in a partial or final text", Sentences.Select(sentence => sentence.AllWords), LargestPartial);
        Add("the final text", Sentences.Select(sentence => sentence.Final), LargestFinal);
        return table;

        void Add(string name, IEnumerable<double?> times, double wanted)
        {
            double[] heard = [.. times.OfType<double>()];
            table.Add(name, Table.Number(heard.Median(), 2), Table.Number(heard.Max(), 2), Table.Number(wanted), $"{heard.Count(time => time > wanted)} of {heard.Length}");
        }
    }

    private static async Task<SpokenSentence> SpeakAsync(StreamClient stream, Recording recording, CancellationToken cancellation)
    {
        byte[] pcm = recording.ToPcm(Pause);
        long begun = Stopwatch.GetTimestamp();
        Task<List<(double Time, bool IsFinal, string Text)>> hearing = HearAsync();
        for (int first = 0; first < pcm.Length; first += ChunkSamples * sizeof(short))
        {
            // A chunk can be sent once its last sample has been spoken.
            int end = Math.Min(first + (ChunkSamples * sizeof(short)), pcm.Length);
            TimeSpan spoken = TimeSpan.FromSeconds((double)end / sizeof(short) / AudioClip.SampleRate);
            TimeSpan early = spoken - Stopwatch.GetElapsedTime(begun);
            await Task.Delay(early > TimeSpan.Zero ? early : TimeSpan.Zero, cancellation);
            await stream.SendAsync(pcm.AsMemory(first, end - first), cancellation);
        }

        await stream.EndAsync(cancellation);
        List<(double Time, bool IsFinal, string Text)> events = await hearing;
        (double Time, bool IsFinal, string Text)? last = events.Where(heard => heard.IsFinal).Select(heard => ((double, bool, string)?)heard).LastOrDefault();
        string text = Words(last?.Text);
        double? allWords = events.Where(heard => Words(heard.Text) == text).Select(heard => (double?)heard.Time).FirstOrDefault();
        return new SpokenSentence(recording.Name, After(allWords), After(last?.Time));

        double? After(double? time) => time is double at ? Math.Max(0, at - recording.SpeechEnd) : null;

        async Task<List<(double Time, bool IsFinal, string Text)>> HearAsync()
        {
            List<(double Time, bool IsFinal, string Text)> heard = [];
            await foreach (JsonElement message in stream.EventsAsync(cancellation))
            {
                if (message.GetProperty("type").GetString() is ("partial" or "final") and string type)
                {
                    heard.Add((Stopwatch.GetElapsedTime(begun).TotalSeconds, type == "final", message.GetProperty("text").GetString()!));
                }
            }

            return heard;
        }
    }

    /// <summary>What a reader takes for the same words: a guess has another full stop.</summary>
    private static string Words(string? text) => new([.. (text ?? "").Where(char.IsLetterOrDigit).Select(char.ToLowerInvariant)]);
}

/// <summary>How long the text of a sentence took, in seconds from where speech ended; null if it never came.</summary>
/// <param name="Recording">Which.</param>
/// <param name="AllWords">Until all of its words were there, in a partial or final text.</param>
/// <param name="Final">Until they were final.</param>
internal sealed record SpokenSentence(string Recording, double? AllWords, double? Final);
