using System.Diagnostics;
using System.Text.Json;
using Handwritten.Runtime.Audio;

namespace Handwritten.Load;

/// <summary>Hours of speech over one WebSocket, as fast as the server takes them, and what it keeps of them in memory.</summary>
internal sealed record StreamMemory(double AudioSeconds, double Seconds, int Sentences, int SentencesHeard, Growth Memory) : IFindings
{
    public const double UsualHours = 24;

    /// <summary>With less, a hundredth of it would be less than a sentence.</summary>
    public const double LeastHours = 0.25;

    /// <summary>Silence behind each sentence: enough for an end-point.</summary>
    private const double Pause = 1;

    private const int MessageBytes = AudioClip.SampleRate * sizeof(short);

    public string Title => $"{Table.Number(AudioSeconds / 3600, 2)} h of speech over one WebSocket";

    /// <summary>A sentence may be heard as two, but none may be lost.</summary>
    public string? Failure => SentencesHeard < Sentences ? $"Of {Sentences} sentences {SentencesHeard} were heard." : Memory.Failure;

    /// <summary>Starts a server and streams to it.</summary>
    public static async Task<StreamMemory> MeasureAsync(double audioSeconds, CancellationToken cancellation)
    {
        await using ServerProcess server = await ServerProcess.StartAsync([], cancellation);
        using StreamClient stream = await StreamClient.OpenAsync(server, "language=en", cancellation);
        long begun = Stopwatch.GetTimestamp();
        byte[][] sentences = [.. Recording.Short.Where(recording => recording.Language == "en").Select(recording => recording.ToPcm(Pause))];
        Task<(int Finals, IReadOnlyList<long> Memory)> hearing = HearAsync(stream, server, audioSeconds, cancellation);
        double sent = 0;
        int count = 0;
        while (sent < audioSeconds)
        {
            byte[] sentence = sentences[count++ % sentences.Length];
            foreach (Memory<byte> message in Messages(sentence))
            {
                await stream.SendAsync(message, cancellation);
            }

            sent += (double)sentence.Length / MessageBytes;
        }

        await stream.EndAsync(cancellation);
        (int finals, IReadOnlyList<long> memory) = await hearing;
        return new StreamMemory(sent, Stopwatch.GetElapsedTime(begun).TotalSeconds, count, finals, Growth.Of(memory));
    }

    public Table ToTable()
    {
        Table table = new("audio, h", "seconds", "audio s/s", "sentences", "heard", "after the warm-up, MB", "at the end, MB", "growth", "peak, MB");
        table.Add(
            Table.Number(AudioSeconds / 3600, 2), Table.Number(Seconds), Table.Number(AudioSeconds / Seconds), $"{Sentences}", $"{SentencesHeard}",
            Table.Megabytes(Memory.WarmedUpBytes), Table.Megabytes(Memory.LastBytes), Table.Percent(Memory.Share), Table.Megabytes(Memory.PeakBytes));
        return table;
    }

    private static IEnumerable<Memory<byte>> Messages(byte[] sentence)
    {
        for (int first = 0; first < sentence.Length; first += MessageBytes)
        {
            yield return sentence.AsMemory(first, Math.Min(MessageBytes, sentence.Length - first));
        }
    }

    /// <summary>Counts what was heard, and looks at the memory each time another hundredth of the sound has been.</summary>
    private static async Task<(int Finals, IReadOnlyList<long> Memory)> HearAsync(StreamClient stream, ServerProcess server, double audioSeconds, CancellationToken cancellation)
    {
        int finals = 0;
        List<long> memory = [];
        await foreach (JsonElement message in stream.EventsAsync(cancellation))
        {
            switch (message.GetProperty("type").GetString())
            {
                case "final":
                    finals++;
                    break;
                case "endpoint":
                    double heard = message.GetProperty("time").GetDouble();
                    while (memory.Count < Growth.Samples && heard >= audioSeconds * memory.Count / Growth.Samples)
                    {
                        memory.Add(server.ResidentBytes);
                    }

                    break;
                case "error":
                    throw new InvalidOperationException($"The server ended the stream: {message}");
            }
        }

        return (finals, memory);
    }
}
