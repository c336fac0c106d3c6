using System.Collections;
using System.CommandLine;
using Handwritten.Model;
using Handwritten.Runtime.Serving;
using Handwritten.Server;
using Handwritten.Server.Models;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Console;

namespace Handwritten.Cli.Commands;

/// <summary>
/// <c>handwritten serve</c>: one process that holds models and serves many clients. Where the command line says nothing, what containers
/// set as environment variables counts.
/// </summary>
internal sealed class ServeCommand : Command
{
    private const string SecretVariable = "HANDWRITTEN_WEBHOOK_SECRET", TelemetryPrefix = "OTEL_", ProtocolVariable = "OTEL_EXPORTER_OTLP_PROTOCOL";

    private readonly Option<string> _host = new("--host") { Description = "The address to listen at; 0.0.0.0 for all of the machine's.", HelpName = "ADDRESS", DefaultValueFactory = _ => "127.0.0.1" };

    private readonly Option<OrNone<int>> _port = Optional.Integer("--port", "The port; 0 takes one that is free.", 8000, 0, 65_535);

    private readonly Option<string[]> _models = new("--model")
    {
        Description = "A model: a folder as Hugging Face publishes it, or the name of one in weights/; may be given several times, the default one first.",
        HelpName = "FOLDER|NAME",
        DefaultValueFactory = _ => [ModelFolder.Default],
    };

    private readonly DeviceOptions _device = new();

    private readonly Option<int?> _batch = Define.Count("--batch-size", $"Windows of 30 seconds that are decoded at the same time. [default: {new EngineOptions().Windows}]", 1024);

    private readonly Option<int?> _lanes = Define.Count("--lanes", "Token sequences that are decoded at the same time: a beam each. [default: twice the batch size, at least 8]", 8192);

    private readonly Option<bool> _lazy = Define.Flag("--lazy", "Load a model when the first request wants it.");

    private readonly Option<OrNone<double>> _unload = Optional.Number("--unload-after", "Give a model's memory back after so many idle seconds.", null, 1, 1e6);

    private readonly Option<string?> _keys = Define.Text("--api-keys", "The file of API keys; see 'handwritten api-key'. [default: none are needed]", "FILE");

    private readonly Option<string[]> _names = new("--host-name") { Description = "A name by which clients reach the server, *.example.org for a domain; may be given several times. Needed where there are no API keys, unless the name is one of a private network.", HelpName = "NAME", DefaultValueFactory = _ => [] };

    private readonly Option<string[]> _origins = new("--cors-origin") { Description = "A web page's origin that may use the server, or *; may be given several times.", HelpName = "ORIGIN", DefaultValueFactory = _ => [] };

    private readonly ServerLimits _limits = new();

    private readonly Option<string[]> _hosts = new("--allow-host") { Description = "A host that recordings may be fetched from and results sent to, *.example.org for a domain; may be given several times. [default: all]", HelpName = "HOST", DefaultValueFactory = _ => [] };

    private readonly Option<bool> _private = Define.Flag("--allow-private-addresses", "Also fetch from and send to addresses of private networks.");

    private readonly Option<bool> _logText = Define.Flag("--log-transcripts", "Let the log hold what was said.");

    private readonly Option<string> _logFormat = Define.Choice("--log-format", "How the log on standard error looks.", "text", "json");

    private readonly Option<Uri?> _telemetry = new("--otlp-endpoint")
    {
        Description = "Where traces and metrics go by OpenTelemetry's protocol (OTLP). /metrics is always there.",
        HelpName = "URL",
        CustomParser = result =>
        {
            string url = result.Tokens[0].Value;
            if (Uri.TryCreate(url, UriKind.Absolute, out Uri? endpoint) && endpoint.Scheme is "http" or "https")
            {
                return endpoint;
            }

            result.AddError($"--otlp-endpoint must be an address such as http://localhost:4317, but it is '{url}'.");
            return null;
        },
    };

    private readonly Option<string> _protocol = Define.Choice("--otlp-protocol", "How they go there; usually to port 4317 by grpc, and to 4318 by http/protobuf.", "grpc", "http/protobuf");

    private readonly Option<OrNone<double>> _shutdown = Optional.Number("--shutdown-seconds", "How long work under way may take to end when the server stops.", 30, 0, 3600);

    public ServeCommand()
        : base("serve", $"Serve models over HTTP, as OpenAI's API and more. Where an option is not given, the environment variable in parentheses counts, with commas between several values. {SecretVariable} holds the secret that webhooks are signed with: any text, or base64 behind whsec_; without it they are not signed.")
    {
        foreach (Option option in new Option[] { _host, _port, _models })
        {
            Add(option);
        }

        _device.AddTo(this);
        foreach (Option option in new Option[]
        {
            _batch, _lanes, _lazy, _unload, _keys, _names, _origins, _hosts, _private, _logText, _logFormat, _telemetry, _protocol, _shutdown,
        })
        {
            Add(option);
        }

        _limits.AddTo(this);

        // But for the port: Kubernetes sets HANDWRITTEN_PORT, to tcp://10.0.0.1:80, where a service is called handwritten.
        Variables = new OptionVariables(Options.Where(option => option != _port), new Dictionary<string, string>
        {
            [_batch.Name] = "MODEL_BATCH_SIZE",
            [_telemetry.Name] = ServerOptions.TelemetryEndpoint,
            [_protocol.Name] = ProtocolVariable,
        });
        SetAction(RunAsync);
    }

    /// <summary>The environment variables that stand for its options.</summary>
    public OptionVariables Variables { get; }

    /// <summary>How long the server may take to stop.</summary>
    public TimeSpan PatienceOf(ParseResult parsed) => TimeSpan.FromSeconds((parsed.GetValue(_shutdown).Value ?? 0) + 5);

    private async Task<int> RunAsync(ParseResult parsed, CancellationToken cancellation)
    {
        ServerOptions options = Read(parsed);
        WebApplication application;
        try
        {
            application = ServerApplication.Create(options, logging => ConfigureLogging(logging, parsed.GetRequiredValue(_logFormat)));
        }
        catch (ArgumentException failure)
        {
            throw new UsageException(failure.Message);
        }
        catch (Exception failure) when (failure is FormatException or IOException or UnauthorizedAccessException)
        {
            throw new UsageException($"{_keys.Name}: {failure.Message}");
        }

        await using (application)
        {
            try
            {
                await application.StartAsync(cancellation);
            }
            catch (IOException failure)
            {
                throw new UsageException($"The server cannot listen at {options.Host}:{options.Port} ({failure.Message.TrimEnd('.')}): choose another {_port.Name} or {_host.Name}.");
            }

            Console.Error.WriteLine($"handwritten: listening at {string.Join(", ", application.Urls)}");
            await application.WaitForShutdownAsync(cancellation);
        }

        return (int)ExitCode.Ok;
    }

    private ServerOptions Read(ParseResult parsed)
    {
        ServerOptions initially = new() { Models = [] };
        EngineOptions engine = ReadEngine(parsed);
        ModelLoadOptions device = _device.Read(parsed);
        return _limits.Apply(initially, parsed) with
        {
            Host = parsed.GetRequiredValue(_host),
            Port = parsed.GetValue(_port).Value ?? 0,
            Models = [.. parsed.GetRequiredValue(_models).Select(name => Source(name, device, engine))],
            LoadEagerly = !parsed.GetValue(_lazy),
            UnloadAfter = parsed.GetValue(_unload).Value is double idle ? TimeSpan.FromSeconds(idle) : null,
            ApiKeyFile = parsed.GetValue(_keys),
            HostNames = parsed.GetRequiredValue(_names),
            CorsOrigins = parsed.GetRequiredValue(_origins),
            AllowedHosts = parsed.GetRequiredValue(_hosts),
            AllowPrivateAddresses = parsed.GetValue(_private),
            WebhookSecret = Environment.GetEnvironmentVariable(SecretVariable) is { Length: > 0 } secret ? secret : null,
            LogTranscripts = parsed.GetValue(_logText),
            Telemetry = ReadTelemetry(parsed),
            ShutdownTimeout = TimeSpan.FromSeconds(parsed.GetValue(_shutdown).Value ?? 0),
        };
    }

    private EngineOptions ReadEngine(ParseResult parsed)
    {
        EngineOptions initially = new();
        int batch = parsed.GetValue(_batch) ?? initially.Windows;
        return _limits.Apply(initially, parsed) with { Windows = batch, Lanes = parsed.GetValue(_lanes) ?? Math.Max(2 * batch, 8) };
    }

    /// <summary>OpenTelemetry's own variables, such as OTEL_EXPORTER_OTLP_HEADERS, and what the options say of them.</summary>
    private Dictionary<string, string?> ReadTelemetry(ParseResult parsed)
    {
        Dictionary<string, string?> settings = Environment.GetEnvironmentVariables().Cast<DictionaryEntry>()
            .Where(variable => ((string)variable.Key).StartsWith(TelemetryPrefix, StringComparison.Ordinal))
            .ToDictionary(variable => (string)variable.Key, variable => (string?)variable.Value);
        settings[ServerOptions.TelemetryEndpoint] = parsed.GetValue(_telemetry)?.OriginalString;
        settings[ProtocolVariable] = parsed.GetRequiredValue(_protocol);
        return settings;
    }

    private static ModelSource Source(string name, ModelLoadOptions device, EngineOptions engine)
    {
        string folder = ModelFolder.Resolve(name);
        return new ModelSource(ModelFolder.NameOf(folder), folder, device.CreateKernels, engine);
    }

    private static void ConfigureLogging(ILoggingBuilder logging, string format)
    {
        logging.SetMinimumLevel(LogLevel.Information).AddFilter("Microsoft", LogLevel.Warning);
        logging.Services.Configure<ConsoleLoggerOptions>(console => console.LogToStandardErrorThreshold = LogLevel.Trace);
        _ = format == "json"
            ? logging.AddJsonConsole(json => json.UseUtcTimestamp = true)
            : logging.AddSimpleConsole(text => (text.SingleLine, text.TimestampFormat) = (true, "HH:mm:ss "));
    }
}
