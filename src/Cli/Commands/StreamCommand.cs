using System.CommandLine;
using System.Net.WebSockets;
using System.Text.Json;
using Handwritten.Cli.Streaming;

namespace Handwritten.Cli.Commands;

/// <summary>
/// <c>handwritten stream</c>: speech to text while it is spoken, by a server that <c>handwritten serve</c> started. On a
/// terminal the last line is what is being said, and changes; what is final stays above it.
/// </summary>
internal sealed class StreamCommand : Command
{
    private const string KeyVariable = "HANDWRITTEN_API_KEY";

    private readonly Argument<string> _source = new("AUDIO")
    {
        Description = "mic for the microphone, a recording, which is sent as fast as it was spoken, or - for raw 16-bit samples (16 kHz, one channel) on standard input.",
        Arity = ArgumentArity.ZeroOrOne,
        DefaultValueFactory = _ => SoundSource.Microphone,
    };

    private readonly Option<string> _server = new("--server") { Description = "The server.", HelpName = "URL", DefaultValueFactory = _ => "ws://127.0.0.1:8000" };

    private readonly Option<string?> _key = Define.Text("--api-key", $"The API key. [default: ${KeyVariable}]", "KEY");

    private readonly Option<string?> _model = Define.Text("--model", "A model of the server. [default: its first]", "NAME");

    private readonly Option<string?> _language = Define.Language("--language", "The language spoken, by code or English name. [default: detected in the first sentence]");

    private readonly Option<string> _task = Define.Choice("--task", "Write what was said, or translate it to English.", "transcribe", "translate");

    private readonly Option<string?> _device = Define.Text("--microphone", "The microphone, by its name in the system that ffmpeg or arecord reads.", "NAME");

    private readonly Option<bool> _json = Define.Flag("--json", "Print the server's messages as they come, a line each.");

    public StreamCommand()
        : base("stream", "Turn speech into text while it is spoken. Ctrl-C ends the speech, and the last of the text is written; a second one ends at once.")
    {
        Add(_source);
        foreach (Option option in new Option[] { _server, _key, _model, _language, _task, _device, _json })
        {
            Add(option);
        }

        SetAction(RunAsync);
    }

    /// <param name="parsed">The command line.</param>
    /// <param name="stopping">Nothing more is to be heard; what was said before is still written.</param>
    private async Task<int> RunAsync(ParseResult parsed, CancellationToken stopping)
    {
        using SoundSource source = SoundSource.Open(parsed.GetRequiredValue(_source), parsed.GetValue(_device), stopping);
        using ClientWebSocket socket = new() { Options = { CollectHttpResponseDetails = true } };
        if ((parsed.GetValue(_key) ?? Environment.GetEnvironmentVariable(KeyVariable)) is { Length: > 0 } key)
        {
            socket.Options.SetRequestHeader("Authorization", $"Bearer {key}");
        }

        await ConnectAsync(socket, Address(parsed), stopping);
        using CancellationTokenSource over = new();
        LiveText text = new(Console.Out, isTerminal: !Console.IsOutputRedirected, parsed.GetValue(_json));
        Task reading = ReadAsync(socket, text);
        Task sending = SendAsync(socket, source, stopping, over.Token);

        // A server that ends the stream, with a complaint or without, ends the sending too.
        if (await Task.WhenAny(reading, sending) == reading)
        {
            await over.CancelAsync();
            await reading;
            await sending.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
        else
        {
            await sending;
            await reading;
        }

        await source.RequireSuccessAsync(stopping); // what was heard before has been written
        return (int)ExitCode.Ok;
    }

    private Uri Address(ParseResult parsed)
    {
        string server = parsed.GetRequiredValue(_server);
        if (!Uri.TryCreate(server, UriKind.Absolute, out Uri? address) || address.Scheme is not ("ws" or "wss" or "http" or "https"))
        {
            throw new UsageException($"{_server.Name} must be an address such as ws://127.0.0.1:8000, but it is '{server}'.");
        }

        IEnumerable<string> query = new (string Name, string? Value)[]
        {
            ("sample_rate", "16000"), ("encoding", "pcm16"), ("model", parsed.GetValue(_model)), ("language", parsed.GetValue(_language)), ("task", parsed.GetRequiredValue(_task)),
        }.Where(field => field.Value is not null).Select(field => $"{field.Name}={Uri.EscapeDataString(field.Value!)}");
        return new UriBuilder(address)
        {
            Scheme = address.Scheme is "https" or "wss" ? "wss" : "ws",
            Path = $"{address.AbsolutePath.TrimEnd('/')}/v1/stream",
            Query = string.Join('&', query),
        }.Uri;
    }

    private static async Task ConnectAsync(ClientWebSocket socket, Uri address, CancellationToken cancellation)
    {
        try
        {
            await socket.ConnectAsync(address, cancellation);
        }
        catch (WebSocketException failure)
        {
            throw new UsageException((int)socket.HttpStatusCode switch
            {
                0 => $"There is no server at {address.Authority} ({failure.GetBaseException().Message.TrimEnd('.')}): start one with 'handwritten serve', or name another with --server.",
                401 => $"The server at {address.Authority} wants an API key: give it as --api-key or in {KeyVariable}.",
                429 => $"The server at {address.Authority} has too much to do: try again later.",
                var status => $"The server at {address.Authority} refuses the stream (status {status}): does it have the model?",
            });
        }
    }

    /// <summary>Sends the sound, and that it has ended.</summary>
    /// <param name="socket">Where to.</param>
    /// <param name="source">The sound.</param>
    /// <param name="stopping">Ends the sound.</param>
    /// <param name="over">Nobody listens any more.</param>
    private static async Task SendAsync(ClientWebSocket socket, SoundSource source, CancellationToken stopping, CancellationToken over)
    {
        using CancellationTokenSource ending = CancellationTokenSource.CreateLinkedTokenSource(stopping, over);
        await foreach (ReadOnlyMemory<byte> sound in source.ReadAsync(ending.Token))
        {
            await socket.SendAsync(sound, WebSocketMessageType.Binary, endOfMessage: true, over);
        }

        await socket.SendAsync("{\"type\":\"end\"}"u8.ToArray(), WebSocketMessageType.Text, endOfMessage: true, over);
    }

    private static async Task ReadAsync(ClientWebSocket socket, LiveText text)
    {
        using MemoryStream message = new();
        byte[] buffer = new byte[1 << 16];
        try
        {
            while (true)
            {
                ValueWebSocketReceiveResult result = await socket.ReceiveAsync(buffer.AsMemory(), CancellationToken.None);
                if (result.MessageType == WebSocketMessageType.Close)
                {
                    return;
                }

                message.Write(buffer, 0, result.Count);
                if (result.EndOfMessage)
                {
                    using JsonDocument json = JsonDocument.Parse(message.ToArray());
                    text.Show(json.RootElement);
                    message.SetLength(0);
                }
            }
        }
        catch (WebSocketException failure)
        {
            throw new UsageException($"The connection to the server broke ({failure.Message.TrimEnd('.')}).");
        }
        finally
        {
            text.End();
        }
    }
}
