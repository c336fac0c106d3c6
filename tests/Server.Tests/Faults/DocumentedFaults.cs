using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Security.Cryptography;
using System.Text;
using Handwritten.Runtime.Serving;
using Handwritten.Server.Tests.Jobs;

namespace Handwritten.Server.Tests.Faults;

/// <summary>Where a fault is committed.</summary>
/// <param name="Server">The server.</param>
/// <param name="SlowKey">The key of a client that may ask once a minute.</param>
internal sealed record Scene(RunningServer Server, string SlowKey);

/// <summary>Something that a client does wrong.</summary>
/// <param name="Status">The status that docs/server.md promises.</param>
/// <param name="Code">The code.</param>
/// <param name="What">Which of those that lead to it.</param>
/// <param name="Commit">Does it.</param>
internal sealed record Fault(int Status, string Code, string What, Func<Scene, Task<HttpResponseMessage>> Commit)
{
    public string Name => $"{Code}: {What}";

    /// <summary>How the server is run.</summary>
    public Func<ServerOptions, ServerOptions> Options { get; init; } = options => options;

    /// <summary>The field that is named.</summary>
    public string? Parameter { get; init; }

    /// <summary>Whether the server wants keys.</summary>
    public bool WantsKeys { get; init; }
}

/// <summary>The lines of the table in docs/server.md that a client brings about with requests alone.</summary>
internal static class DocumentedFaults
{
    private const string Transcriptions = "/v1/audio/transcriptions", Form = "multipart/form-data; boundary=b";

    private static readonly byte[] Recording = File.ReadAllBytes(RunningServer.Recording);

    public static IReadOnlyList<Fault> All { get; } =
    [
        new(415, "unsupported_media_type", "JSON where a form belongs", scene => PostAsync(scene, Transcriptions, "{}", "application/json")),
        new(415, "unsupported_media_type", "text where JSON belongs", scene => PostAsync(scene, "/run", "{}", "text/plain")),
        new(400, "malformed_form", "it breaks off", scene => PostAsync(scene, Transcriptions, RawClient.FileHead + "RIFF", Form)),
        new(400, "malformed_form", "no boundary", scene => PostAsync(scene, Transcriptions, RawClient.FileHead, "multipart/form-data")),
        new(400, "malformed_form", "a part without a name", scene => PostAsync(scene, Transcriptions, "--b\r\nContent-Type: text/plain\r\n\r\na\r\n--b--\r\n", Form)),
        new(400, "malformed_form", "too many parts", scene => TranscribeAsync(scene, Recording, [.. Enumerable.Range(0, 300).Select(i => ($"field{i}", "a"))])),
        new(400, "malformed_json", "a list", scene => PostAsync(scene, "/v1/jobs", "[]", "application/json")),
        new(400, "missing_file", "a form without one", scene => TranscribeAsync(scene, recording: null, ("model", "whisper-1"))) { Parameter = "file" },
        new(400, "missing_file", "a job without one", scene => PostAsync(scene, "/v1/jobs", "{}", "application/json")) { Parameter = "audio_url" },
        new(400, "empty_file", "no bytes", scene => TranscribeAsync(scene, [])) { Parameter = "file" },
        new(400, "invalid_audio", "no recording", scene => TranscribeAsync(scene, "This is no sound at all."u8.ToArray())) { Parameter = "file" },
        new(400, "invalid_audio", "cut off", scene => TranscribeAsync(scene, Recording[..5000])) { Parameter = "file" },
        new(400, "invalid_audio", "a playlist", scene => TranscribeAsync(scene, Encoding.UTF8.GetBytes($"ffconcat version 1.0\nfile '{RunningServer.Recording}'\n"))) { Parameter = "file" },
        new(400, "invalid_audio", "a sample rate of 0", scene => TranscribeAsync(scene, WithRate(0))) { Parameter = "file" },
        new(400, "invalid_audio", "too long, by its own account", scene => TranscribeAsync(scene, WithRate(100))) { Parameter = "file", Options = options => options with { MaximumAudioSeconds = 60 } },
        new(400, "invalid_value", "a language that there is not", scene => TranscribeAsync(scene, Recording, ("language", "Klingon"))) { Parameter = "language" },
        new(400, "invalid_value", "a text in JSON that no form would take", scene => scene.Server.Client.PostAsJsonAsync("/v1/jobs", new { audio_base64 = "AAAA", prompt = new string('a', 65_537) })) { Parameter = "prompt" },
        new(400, "invalid_value", "a list in JSON that no form would take", scene => scene.Server.Client.PostAsJsonAsync("/runsync", new { input = new { audio_base64 = "AAAA", clip_timestamps = new int[70_000] } })) { Parameter = "clip_timestamps" },
        new(400, "invalid_value", "a stream's sample rate that there is not", scene => OpenSocketAsync(scene, "/v1/stream?sample_rate=1")) { Parameter = "sample_rate" },
        new(400, "unknown_parameter", "a typing error", scene => TranscribeAsync(scene, Recording, ("beamsize", "5"))) { Parameter = "beamsize" },
        new(400, "unsupported_parameter", "who speaks", scene => TranscribeAsync(scene, Recording, ("known_speaker_names[]", "Ada"))) { Parameter = "known_speaker_names" },
        new(400, "invalid_options", "more beams than lanes", scene => TranscribeAsync(scene, Recording, ("beam_size", "99"))),
        new(400, "invalid_options", "clips that come again and again", scene => TranscribeAsync(scene, Recording, ("clip_timestamps", Again("0,2", 50)))) { Options = options => options with { MaximumAudioSeconds = 60 } },
        new(400, "invalid_options", "clips that come again and again, side by side", scene => TranscribeAsync(scene, Recording, ("clip_timestamps", Again("0,2", 50)), ("chunking_strategy", "auto"))) { Options = options => options with { MaximumAudioSeconds = 60 } },
        new(400, "address_not_allowed", "a private one", scene => scene.Server.Client.PostAsJsonAsync("/v1/jobs", new { audio_url = "http://127.0.0.1:1/a.wav" })) { Parameter = "audio_url" },
        new(400, "unreachable_audio", "nothing is there", UnreachableAsync) { Parameter = "audio_url", Options = options => options with { AllowPrivateAddresses = true } },
        new(401, "missing_api_key", "none", scene => GetAsync(scene, key: null)) { WantsKeys = true },
        new(401, "invalid_api_key", "a wrong one", scene => GetAsync(scene, "hw-wrong")) { WantsKeys = true },
        new(403, "origin_not_allowed", "a page of another server", scene => OpenSocketAsync(scene, "/v1/stream", "https://evil.example")),
        new(403, "origin_not_allowed", "a form on a page of another server", scene => scene.Server.Client.SendAsync(new HttpRequestMessage(HttpMethod.Post, "/v1/jobs")
        {
            Headers = { { "Origin", "https://evil.example" } }, Content = RunningServer.Form(),
        })),
        new(403, "host_not_allowed", "a page whose name was made to mean this server", scene => scene.Server.Client.SendAsync(new HttpRequestMessage(HttpMethod.Get, "/v1/jobs")
        {
            Headers = { Host = "evil.example" },
        })),
        new(404, "model_not_found", "a wrong name", scene => TranscribeAsync(scene, Recording, ("model", "gpt-9"))) { Parameter = "model" },
        new(404, "job_not_found", "a wrong name", scene => scene.Server.Client.GetAsync("/v1/jobs/job_0")),
        new(404, "unknown_url", "another of OpenAI's", scene => scene.Server.Client.GetAsync("/v1/chat/completions")),
        new(405, "method_not_allowed", "GET", scene => scene.Server.Client.GetAsync(Transcriptions)),
        new(409, "job_not_done", "a job that was taken back", TakenBackAsync),
        new(413, "request_too_large", "its length is told", scene => TranscribeAsync(scene, new byte[400_000])) { Options = options => options with { MaximumUploadBytes = 300_000 } },
        new(426, "upgrade_required", "no socket", scene => scene.Server.Client.GetAsync("/v1/realtime")),
        new(429, "rate_limit_exceeded", "twice in a minute", TwiceAsync) { WantsKeys = true },
        new(429, "engine_busy", "eight at once", EightAtOnceAsync)
        {
            Options = options => options with { Models = [RunningServer.DemoModel(new EngineOptions { Windows = 1, Lanes = 8, EncoderBatch = 1, MaxRequests = 1 })] },
        },
        new(429, "too_many_jobs", "none are held", scene => scene.Server.Client.PostAsync("/v1/jobs", RunningServer.Form())) { Options = options => options with { MaximumJobs = 0 } },
        new(429, "too_many_streams", "none are allowed", scene => OpenSocketAsync(scene, "/v1/stream")) { Options = options => options with { MaximumStreams = 0 } },
    ];

    private static Task<HttpResponseMessage> TranscribeAsync(Scene scene, byte[]? recording, params (string, string)[] fields) =>
        scene.Server.Client.PostAsync(Transcriptions, RunningServer.Form(recording, fields));

    private static Task<HttpResponseMessage> PostAsync(Scene scene, string path, string body, string type)
    {
        ByteArrayContent content = new(Encoding.ASCII.GetBytes(body));
        content.Headers.TryAddWithoutValidation("Content-Type", type);
        return scene.Server.Client.PostAsync(path, content);
    }

    private static async Task<HttpResponseMessage> GetAsync(Scene scene, string? key)
    {
        using HttpClient stranger = new() { BaseAddress = scene.Server.Address };
        stranger.DefaultRequestHeaders.Authorization = key is null ? null : new AuthenticationHeaderValue("Bearer", key);
        return await stranger.GetAsync("/v1/models");
    }

    /// <summary>Asks for a WebSocket, without a library that would hide the answer.</summary>
    private static Task<HttpResponseMessage> OpenSocketAsync(Scene scene, string path, string? origin = null)
    {
        HttpRequestMessage request = new(HttpMethod.Get, path)
        {
            Headers =
            {
                { "Connection", "Upgrade" }, { "Upgrade", "websocket" }, { "Sec-WebSocket-Version", "13" },
                { "Sec-WebSocket-Key", Convert.ToBase64String(RandomNumberGenerator.GetBytes(16)) },
            },
        };
        if (origin is not null)
        {
            request.Headers.Add("Origin", origin);
        }

        return scene.Server.Client.SendAsync(request);
    }

    private static async Task<HttpResponseMessage> UnreachableAsync(Scene scene)
    {
        await using LoopbackHost host = new();
        using HttpResponseMessage accepted = await scene.Server.Client.PostAsJsonAsync("/v1/jobs", new { audio_url = $"{host.Address}/missing" });
        HttpResponseMessage result = await scene.Server.Client.GetAsync($"{accepted.Headers.Location}/result");
        await Eventually.HoldsAsync(async () =>
        {
            result = await scene.Server.Client.GetAsync($"{accepted.Headers.Location}/result");
            return result.StatusCode != HttpStatusCode.Conflict;
        });
        return result;
    }

    private static async Task<HttpResponseMessage> TakenBackAsync(Scene scene)
    {
        using HttpResponseMessage accepted = await scene.Server.Client.PostAsync("/v1/jobs", RunningServer.Form(("beam_size", "5")));
        await scene.Server.Client.DeleteAsync(accepted.Headers.Location);
        return await scene.Server.Client.GetAsync($"{accepted.Headers.Location}/result");
    }

    private static async Task<HttpResponseMessage> TwiceAsync(Scene scene)
    {
        await GetAsync(scene, scene.SlowKey);
        return await GetAsync(scene, scene.SlowKey);
    }

    private static async Task<HttpResponseMessage> EightAtOnceAsync(Scene scene)
    {
        HttpResponseMessage[] answers = await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => TranscribeAsync(scene, Recording, ("beam_size", "4"))));
        return answers.First(answer => !answer.IsSuccessStatusCode);
    }

    private static string Again(string clip, int times) => string.Join(',', Enumerable.Repeat(clip, times));

    private static byte[] WithRate(int rate)
    {
        byte[] wav = [.. Recording];
        BitConverter.GetBytes(rate).CopyTo(wav, 24);
        return wav;
    }
}
