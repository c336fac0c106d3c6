using Handwritten.Server.Access;
using Handwritten.Server.Errors;
using Handwritten.Server.Jobs;
using Handwritten.Server.Jobs.RunPod;
using Handwritten.Server.Live;
using Handwritten.Server.Models;
using Handwritten.Server.OpenAi;
using Handwritten.Server.Operation;
using Handwritten.Server.Recognition;
using Handwritten.Server.Remote;
using Handwritten.Server.Spectrograms;
using Handwritten.Server.Transcripts;
using Handwritten.Server.Uploads;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Hosting;
using OpenTelemetry.Metrics;
using OpenTelemetry.Resources;
using OpenTelemetry.Trace;
using Scalar.AspNetCore;

namespace Handwritten.Server;

/// <summary>
/// The server, put together. A request passes, from the outside in:
/// <code>
///     BodyLimits ──> ErrorHandling ──> BrowserGuard ──> CORS ──> Authentication ──> rate limit ──> endpoint ──> UploadedForm ──> RecordingDecoder
///     (how much?)    (error objects)                             (who?)             (how often?)                (to a file)      (turns, memory, ffmpeg)
///                                                                                                      │
///                                     answer &lt;── TranscriptionResponses &lt;── engine &lt;── Recognizer &lt;────┘
/// </code>
/// </summary>
public static class ServerApplication
{
    /// <summary>Puts the server together; it listens once it is started.</summary>
    /// <param name="options">How it is run.</param>
    /// <param name="configureLogging">Where the log goes.</param>
    /// <exception cref="ArgumentException">The options make no sense.</exception>
    /// <exception cref="FormatException">The file of API keys has a line that makes no sense.</exception>
    /// <exception cref="IOException">The file of API keys cannot be read.</exception>
    public static WebApplication Create(ServerOptions options, Action<ILoggingBuilder> configureLogging)
    {
        options.Verify();

        // Settings come from the command line and nowhere else: not from whatever appsettings.json lies in the working directory.
        WebApplicationBuilder builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions { ContentRootPath = AppContext.BaseDirectory });
        builder.Configuration.AddInMemoryCollection(options.Telemetry); // where OpenTelemetry looks for its settings
        configureLogging(builder.Logging);
        builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            kestrel.Limits.MaxRequestBodySize = null; // BodyLimits
            kestrel.Limits.RequestHeadersTimeout = options.SlowClientTimeout;
            kestrel.Limits.MinRequestBodyDataRate = new MinDataRate(bytesPerSecond: 240, gracePeriod: options.SlowClientTimeout);
            kestrel.Limits.KeepAliveTimeout = options.ConnectionIdleTimeout;
        }).UseUrls($"http://{options.Host}:{options.Port}");
        AddServices(builder.Services, options);

        WebApplication application = builder.Build();
        _ = application.Services.GetRequiredService<ApiKeys>(); // a file that makes no sense is told before anybody waits
        Use(application);
        return application;
    }

    private static void AddServices(IServiceCollection services, ServerOptions options)
    {
        services.AddSingleton(options).AddSingleton(TimeProvider.System);
        services.Configure<HostOptions>(host => host.ShutdownTimeout = options.ShutdownTimeout);
        services.ConfigureHttpJsonOptions(json => Json.Configure(json.SerializerOptions));
        services.AddRouting();
        services.AddCors(cors => cors.AddDefaultPolicy(policy => policy.WithOrigins([.. options.CorsOrigins]).AllowAnyHeader().AllowAnyMethod()
            .WithExposedHeaders("Location", "Retry-After", "WWW-Authenticate")));
        services.AddSingleton<ApiKeys>().AddSingleton<BrowserRules>();
        RequestRates.Add(services, options);
        services.AddSingleton<Scratch>().AddSingleton<DecodingTurns>().AddSingleton<SoundMemory>().AddSingleton<RecordingDecoder>();
        services.AddSingleton<ModelCatalogue>().AddSingleton<Recognizer>().AddHostedService<ModelKeeper>();
        services.AddSingleton<LastCall>().AddSingleton<Readiness>();
        services.AddSingleton<Telemetry>().AddSingleton<RequestLog>().AddSingleton<SpeechService>().AddSingleton<StreamPlaces>().AddSingleton<LiveService>().AddSingleton<SpectrogramService>();
        services.AddSingleton<RemoteClient>().AddSingleton<Webhooks>().AddSingleton<JobNotices>().AddSingleton<JobStore>().AddSingleton<JobIntake>();
        services.AddHostedService<JobFetcher>().AddHostedService<JobWorker>();
        services.AddOpenApi(ApiDocument.Configure);
        AddTelemetry(services, options);
    }

    private static void AddTelemetry(IServiceCollection services, ServerOptions options)
    {
        OpenTelemetry.OpenTelemetryBuilder telemetry = services.AddOpenTelemetry()
            .ConfigureResource(resource => resource.AddService("handwritten").AddEnvironmentVariableDetector())
            .WithMetrics(metrics => metrics
                .AddMeter(Telemetry.Name, "Microsoft.AspNetCore.Hosting", "Microsoft.AspNetCore.Server.Kestrel", "System.Runtime")
                .AddPrometheusExporter());
        if (options.Telemetry.GetValueOrDefault(ServerOptions.TelemetryEndpoint) is not null)
        {
            telemetry
                .WithMetrics(metrics => metrics.AddOtlpExporter())
                .WithTracing(traces => traces.AddSource(Telemetry.Name).AddAspNetCoreInstrumentation().AddOtlpExporter());
        }
    }

    private static void Use(WebApplication application)
    {
        application.UseMiddleware<BodyLimits>();
        application.UseMiddleware<ErrorHandling>();
        application.UseMiddleware<BrowserGuard>();
        WebPage.Use(application);
        application.UseRouting();
        application.UseCors();
        application.UseMiddleware<Authentication>();
        application.UseRateLimiter();
        application.UseWebSockets();

        HealthEndpoints.Map(application);
        RunPodEndpoints.MapPing(application);
        application.MapPrometheusScrapingEndpoint();
        application.MapOpenApi();
        application.MapScalarApiReference("/docs");

        RouteGroupBuilder clients = application.MapGroup("");
        clients.WithMetadata(new ForClientsOnly()).RequireRateLimiting(RequestRates.Policy);
        OpenAiEndpoints.Map(clients);
        JobEndpoints.Map(clients);
        RunPodEndpoints.Map(clients);
        StreamEndpoints.Map(clients);
        TranscriptEndpoints.Map(clients);
        SpectrogramEndpoints.Map(clients);
    }
}
