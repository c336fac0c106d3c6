using System.Collections.Concurrent;
using System.Net.Http.Headers;
using System.Net.NetworkInformation;
using System.Text.Json;
using Handwritten.Kernels.Cpu;
using Handwritten.Runtime.Serving;
using Handwritten.Server.Models;
using Handwritten.Server.Uploads;
using Handwritten.Tests;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Xunit;

namespace Handwritten.Server.Tests;

/// <summary>A real server on the loopback interface, with the demo model on the CPU; it goes with the test.</summary>
internal sealed class RunningServer : IAsyncDisposable
{
    /// <summary>A recording that the demo model knows: "Please play rock music in the garage."</summary>
    public static string Recording { get; } = TestData.Weights("samples", "01-en.wav");

    /// <summary>What the demo model hears in it.</summary>
    public const string Text = "Please play rock music in the garage.";

    private readonly WebApplication _application;
    private readonly LogOfTest _log = new();

    private RunningServer(ServerOptions options) => _application = ServerApplication.Create(options, logging => logging.AddProvider(_log));

    public Uri Address => new(_application.Urls.Single());

    public HttpClient Client { get; private set; } = null!;

    /// <summary>The API key of a client that is served, where keys are wanted.</summary>
    public string? Key { get; set; }

    public IServiceProvider Services => _application.Services;

    /// <summary>What the server has logged.</summary>
    public string Log => string.Join('\n', _log.Lines);

    /// <summary>The errors among it.</summary>
    public IEnumerable<string> Errors => _log.Lines.Where(line => line.StartsWith(nameof(LogLevel.Error), StringComparison.Ordinal) || line.StartsWith(nameof(LogLevel.Critical), StringComparison.Ordinal));

    public static ModelSource DemoModel(EngineOptions? engine = null) =>
        new("whisper-nano", TestData.Weights("whisper-nano"), () => new CpuKernels(2), engine ?? new EngineOptions { Windows = 2, Lanes = 8, EncoderBatch = 2 });

    public static async Task<RunningServer> StartAsync(Func<ServerOptions, ServerOptions>? change = null)
    {
        ServerOptions options = new() { Models = [DemoModel()], Port = 0, ShutdownTimeout = TimeSpan.FromSeconds(20) };
        RunningServer server = new(change?.Invoke(options) ?? options);
        await server._application.StartAsync();
        server.Renew();
        return server;
    }

    /// <summary>Demands that a healthy request is answered right, and that nothing is left of those before.</summary>
    public async Task IsUnharmedAsync()
    {
        Renew();
        using (HttpResponseMessage response = await TranscribeAsync())
        {
            Assert.Equal(Text, (await response.JsonAsync()).GetProperty("text").GetString());
        }

        Renew(); // and with the former client its connections go
        await Eventually.HoldsAsync(() => Task.FromResult(Leftovers().Length == 0), otherwise: Leftovers);
    }

    /// <summary>What is held of requests: files, connections, places in the engines.</summary>
    private string Leftovers()
    {
        int files = Directory.GetFiles(Services.GetRequiredService<Scratch>().Folder).Length;
        int connections = IPGlobalProperties.GetIPGlobalProperties().GetActiveTcpConnections()
            .Count(connection => connection.LocalEndPoint.Port == Address.Port && connection.State is TcpState.Established or TcpState.CloseWait);
        EngineStatistics[] engines = [.. Services.GetRequiredService<ModelCatalogue>().All.Select(host => host.Loaded?.Engine.Statistics).OfType<EngineStatistics>()];
        (string What, int Count)[] held =
        [
            ("files", files), ("connections", connections), ("waiting", engines.Sum(engine => engine.Waiting.Sum())), ("active", engines.Sum(engine => engine.Active)),
            ("windows", engines.Sum(engine => engine.WindowsInUse)), ("lanes", engines.Sum(engine => engine.LanesInUse)),
        ];
        return string.Join(", ", held.Where(one => one.Count > 0).Select(one => $"{one.Count} {one.What}"));
    }

    private void Renew()
    {
        Client?.Dispose();
        Client = new HttpClient { BaseAddress = Address, Timeout = TimeSpan.FromMinutes(1) };
        Client.DefaultRequestHeaders.Authorization = Key is null ? null : new AuthenticationHeaderValue("Bearer", Key);
    }

    public Task StopAsync(CancellationToken cancellation = default) => _application.StopAsync(cancellation);

    /// <summary>A form with the recording and fields.</summary>
    public static MultipartFormDataContent Form(params (string Name, string Value)[] fields) => Form(File.ReadAllBytes(Recording), fields);

    /// <summary>The recording again and again, as one.</summary>
    public static byte[] Repeated(int times)
    {
        byte[] wav = File.ReadAllBytes(Recording), sound = wav[44..];
        int length = times * sound.Length;
        return [.. wav[..4], .. BitConverter.GetBytes(36 + length), .. wav[8..40], .. BitConverter.GetBytes(length), .. Enumerable.Repeat(sound, times).SelectMany(part => part)];
    }

    /// <summary>A form with any bytes as the recording.</summary>
    public static MultipartFormDataContent Form(byte[]? recording, params (string Name, string Value)[] fields)
    {
        MultipartFormDataContent form = [];
        if (recording is not null)
        {
            ByteArrayContent file = new(recording);
            file.Headers.ContentType = new MediaTypeHeaderValue("application/octet-stream");
            form.Add(file, "file", "recording.wav");
        }

        foreach ((string name, string value) in fields)
        {
            form.Add(new StringContent(value), name);
        }

        return form;
    }

    public Task<HttpResponseMessage> TranscribeAsync(params (string Name, string Value)[] fields) => Client.PostAsync("/v1/audio/transcriptions", Form(fields));

    public async ValueTask DisposeAsync()
    {
        Client?.Dispose();
        await _application.StopAsync();
        await _application.DisposeAsync();
    }

    private sealed class LogOfTest : ILoggerProvider, ILogger
    {
        public ConcurrentQueue<string> Lines { get; } = [];

        public ILogger CreateLogger(string categoryName) => this;

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
            Lines.Enqueue($"{logLevel} {formatter(state, exception)} {exception}");

        public void Dispose()
        {
        }
    }
}

/// <summary>Reads answers.</summary>
internal static class Answers
{
    public static async Task<JsonElement> JsonAsync(this HttpResponseMessage response)
    {
        using JsonDocument document = JsonDocument.Parse(await response.Content.ReadAsStringAsync());
        return document.RootElement.Clone();
    }

    /// <summary>The error object, whose four fields must all be there.</summary>
    public static async Task<(string Message, string Type, string? Param, string? Code)> ErrorAsync(this HttpResponseMessage response)
    {
        JsonElement error = (await response.JsonAsync()).GetProperty("error");
        return (error.GetProperty("message").GetString()!, error.GetProperty("type").GetString()!, error.GetProperty("param").GetString(), error.GetProperty("code").GetString());
    }
}
