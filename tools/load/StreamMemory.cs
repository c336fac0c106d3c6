using System.Diagnostics;
using System.Text.Json;
using Handwritten.Runtime.Audio;

namespace Handwritten.Load;

/// <summary>Hours of speech over one WebSocket, as fast as the server takes them, and what it keeps of them in memory.</summary>
internal sealed record StreamMemory(double AudioSeconds, double Seconds, int Sentences, int SentencesHeard, Growth Memory) : IFindings
{
    public const double UsualHours = 24;

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
        Task<int> heard = CountFinalsAsync(stream, cancellation);
        byte[][] sentences = [.. Recording.Short.Where(recording => recording.Language == "en").Select(recording => recording.ToPcm(Pause))];
        List<long> samples = [];
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
            while (samples.Count < Growth.Samples && sent >= audioSeconds * (samples.Count + 1) / Growth.Samples)
            {
                samples.Add(server.ResidentBytes);
            }
        }

        await stream.EndAsync(cancellation);
        int finals = await heard;
        return new StreamMemory(sent, Stopwatch.GetElapsedTime(begun).TotalSeconds, count, finals, Growth.Of(samples));
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

    private static async Task<int> CountFinalsAsync(StreamClient stream, CancellationToken cancellation)
    {
        int finals = 0;
        await foreach (JsonElement message in stream.EventsAsync(cancellation))
        {
            switch (message.GetProperty("type").GetString())
            {
                case "final":
                    finals++;
                    break;
                case "error":
                    throw new InvalidOperationException($"The server ended the stream: {message}");
            }
        }

        return finals;
    }
}
