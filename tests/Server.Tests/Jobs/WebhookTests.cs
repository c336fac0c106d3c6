using System.Diagnostics;
using System.Net;
using System.Net.Http.Json;
using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;
using Handwritten.Server.Remote;
using Handwritten.Tests;
using Microsoft.Extensions.Logging.Abstractions;
using Xunit;

namespace Handwritten.Server.Tests.Jobs;

/// <summary>Each job's end is told once, whatever ends it and whenever.</summary>
public sealed partial class WebhookTests
{
    [Fact]
    public async Task Each_job_that_is_handed_back_is_told_once()
    {
        await using LoopbackHost host = new();
        await using RunningServer server = await StartAsync(options => options with { MaximumJobs = 6 });
        for (int i = 0; i < 6; i++)
        {
            using HttpResponseMessage accepted = await server.Client.PostAsJsonAsync("/v1/jobs", new { audio_url = $"{host.Address}/never", webhook_url = $"{host.Address}/hook" });
            Assert.Equal(HttpStatusCode.Accepted, accepted.StatusCode);
        }

        using HttpResponseMessage refused = await server.Client.PostAsJsonAsync("/v1/jobs", new { audio_url = $"{host.Address}/never" });
        Assert.Equal((HttpStatusCode.TooManyRequests, "too_many_jobs"), (refused.StatusCode, (await refused.ErrorAsync()).Code));
        await server.StopAsync();
        Assert.Equal(6, host.Posted.Select(Id).Distinct().Count());
        Assert.Equal(6, host.Posted.Count);
        Assert.All(host.Posted, hook => Assert.Contains("shutting_down", Encoding.UTF8.GetString(hook.Body), StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_few_are_told_at_the_same_time_fewer_of_one_host_and_in_the_end_each_once()
    {
        const int ToEachHost = Webhooks.MostToHost + 2;
        TaskCompletionSource holding = new(TaskCreationOptions.RunContinuationsAsynchronously);
        LoopbackHost[] hosts = [.. Enumerable.Range(1, (Webhooks.MostAtOnce / Webhooks.MostToHost) + 1).Select(i => new LoopbackHost(host: $"127.0.0.{i}") { Holding = holding.Task })];
        ServerOptions options = new() { Models = [], AllowPrivateAddresses = true };
        using RemoteClient remote = new(options);
        using Webhooks webhooks = new(remote, options, TimeProvider.System, NullLogger<Webhooks>.Instance);

        // A slow host leaves places to the others, which fill all there are.
        Task[] slow = Send(hosts[0]);
        await Eventually.HoldsAsync(() => Task.FromResult(Posted() == Webhooks.MostToHost));
        Task[] others = [.. hosts[1..].SelectMany(Send)];
        await Eventually.HoldsAsync(() => Task.FromResult(Posted() == Webhooks.MostAtOnce), otherwise: () => $"{Posted()}");
        await Task.Delay(500); // in which another would come
        Assert.Equal(Webhooks.MostAtOnce, Posted());
        Assert.All(hosts, host => Assert.InRange(host.Posted.Count, 0, Webhooks.MostToHost));

        holding.SetResult();
        await Task.WhenAll([.. slow, .. others]);
        foreach (LoopbackHost host in hosts)
        {
            Assert.Equal((ToEachHost, ToEachHost), (host.Posted.Select(Id).Distinct().Count(), host.Posted.Count));
            await host.DisposeAsync();
        }

        Task[] Send(LoopbackHost host) =>
            [.. Enumerable.Range(0, ToEachHost).Select(i => webhooks.SendAsync(new Uri($"{host.Address}/hook"), $"job_{i}", new { }, CancellationToken.None))];
        int Posted() => hosts.Sum(host => host.Posted.Count);
    }

    [Fact]
    public async Task A_stop_waits_for_a_webhook_that_has_to_be_tried_again()
    {
        await using LoopbackHost host = new() { Refusals = 2 };
        await using RunningServer server = await StartAsync();
        await server.IsUnharmedAsync();
        using HttpResponseMessage accepted = await server.Client.PostAsJsonAsync("/v1/jobs", new
        {
            audio_base64 = Convert.ToBase64String(RunningServer.Repeated(10)),
            webhook_url = $"{host.Address}/hook",
        });
        await Eventually.HoldsAsync(async () => (await (await server.Client.GetAsync(accepted.Headers.Location)).JsonAsync()).GetProperty("status").GetString() is "running" or "succeeded");
        await server.StopAsync();
        Assert.Equal(3, host.Posted.Count);
        Assert.Single(host.Posted.Select(Id).Distinct());
        Assert.Equal("job.succeeded", JsonDocument.Parse(host.Posted.Last().Body).RootElement.GetProperty("type").GetString());
    }

    [Fact]
    public async Task A_receiver_that_takes_nothing_does_not_keep_the_server_from_stopping()
    {
        await using LoopbackHost host = new() { Refusals = int.MaxValue };
        await using RunningServer server = await StartAsync(options => options with { ShutdownTimeout = TimeSpan.FromSeconds(2) });
        using HttpResponseMessage accepted = await server.Client.PostAsJsonAsync("/v1/jobs", new { audio_url = $"{host.Address}/never", webhook_url = $"{host.Address}/hook" });
        Stopwatch watch = Stopwatch.StartNew();
        await server.StopAsync();
        Assert.InRange(watch.Elapsed.TotalSeconds, 0, 10);
        Assert.Contains("was given up: the server has stopped", server.Log, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_job_that_is_taken_back_while_it_waits_is_told_at_once()
    {
        await using LoopbackHost host = new();
        await using RunningServer server = await StartAsync(options => options with { MaximumFetches = 2 });
        List<Uri> jobs = [];
        for (int i = 0; i < 4; i++)
        {
            using HttpResponseMessage accepted = await server.Client.PostAsJsonAsync("/v1/jobs", new { audio_url = $"{host.Address}/never", webhook_url = i == 3 ? $"{host.Address}/hook" : null });
            jobs.Add(accepted.Headers.Location!);
        }

        using HttpResponseMessage cancelled = await server.Client.DeleteAsync(jobs[3]);
        using JsonDocument said = JsonDocument.Parse((await host.PostedAsync()).Body);
        Assert.Equal("job.cancelled", said.RootElement.GetProperty("type").GetString());
        foreach (Uri job in jobs) // those before it still wait
        {
            using HttpResponseMessage also = await server.Client.DeleteAsync(job);
        }

        await server.StopAsync();
        Assert.Single(host.Posted);
    }

    [Fact]
    public async Task Who_forgets_the_secret_is_told_so_by_the_log()
    {
        await using LoopbackHost host = new();
        await using RunningServer server = await StartAsync(options => options with { WebhookSecret = null });
        using HttpResponseMessage accepted = await server.Client.PostAsJsonAsync("/v1/jobs", new { audio_url = $"{host.Address}/missing", webhook_url = $"{host.Address}/hook" });
        Assert.Null((await host.PostedAsync()).Headers["webhook-signature"]);
        Assert.Contains("HANDWRITTEN_WEBHOOK_SECRET", server.Log, StringComparison.Ordinal);
    }

    [ProgramFact("node")]
    public async Task The_documents_code_tells_a_genuine_webhook_from_a_forged_one()
    {
        await using LoopbackHost host = new();
        await using RunningServer server = await StartAsync();
        using HttpResponseMessage accepted = await server.Client.PostAsJsonAsync("/v1/jobs", new { audio_url = $"{host.Address}/missing", webhook_url = $"{host.Address}/hook" });
        LoopbackHost.Received hook = await host.PostedAsync();
        string body = Encoding.UTF8.GetString(hook.Body), id = Id(hook), now = hook.Headers["webhook-timestamp"]!, signature = hook.Headers["webhook-signature"]!;
        string base64 = Webhooks.Signature("whsec_c2VzYW1l", id, now, hook.Body), old = Webhooks.Signature("sesame", id, "1000", hook.Body);
        bool[] genuine = await JudgeAsync(
            ("sesame", now, signature, body),
            ("whsec_c2VzYW1l", now, base64, body),
            ("another", now, signature, body),
            ("sesame", now, signature, body.Replace("failed", "succeeded", StringComparison.Ordinal)),
            ("sesame", "1000", old, body),
            ("sesame", now, null, body));
        Assert.Equal([true, true, false, false, false, false], genuine);

        async Task<bool[]> JudgeAsync(params (string Secret, string Timestamp, string? Signature, string Body)[] hooks)
        {
            string document = await File.ReadAllTextAsync(Path.Combine(TestData.Repository, "docs", "server.md"));
            string headers(string timestamp, string? signature) => JsonSerializer.Serialize(
                new Dictionary<string, string?> { ["webhook-id"] = id, ["webhook-timestamp"] = timestamp, ["webhook-signature"] = signature }.Where(header => header.Value is not null).ToDictionary());
            IEnumerable<string> calls = hooks.Select(one => $"console.log(isGenuine({headers(one.Timestamp, one.Signature)}, Buffer.from({JsonSerializer.Serialize(one.Body)}), {JsonSerializer.Serialize(one.Secret)}));");
            return [.. (await RunAsync([Code().Match(document).Groups[1].Value, .. calls])).Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(bool.Parse)];
        }
    }

    private static Task<RunningServer> StartAsync(Func<ServerOptions, ServerOptions>? change = null) => RunningServer.StartAsync(options =>
    {
        options = options with { AllowPrivateAddresses = true, WebhookSecret = "sesame" };
        return change?.Invoke(options) ?? options;
    });

    private static string Id(LoopbackHost.Received hook) => hook.Headers["webhook-id"]!;

    private static async Task<string> RunAsync(IEnumerable<string> lines)
    {
        string script = Path.ChangeExtension(Path.GetTempFileName(), "mjs");
        await File.WriteAllLinesAsync(script, lines);
        try
        {
            using Process node = Process.Start(new ProcessStartInfo("node", [script]) { RedirectStandardOutput = true, RedirectStandardError = true })!;
            Task<string> output = node.StandardOutput.ReadToEndAsync(), error = node.StandardError.ReadToEndAsync();
            await node.WaitForExitAsync().WaitAsync(TimeSpan.FromMinutes(1));
            return node.ExitCode == 0 ? await output : throw new InvalidOperationException(await error);
        }
        finally
        {
            File.Delete(script);
        }
    }

    [GeneratedRegex("```js\n(.*?)```", RegexOptions.Singleline)]
    private static partial Regex Code();
}
