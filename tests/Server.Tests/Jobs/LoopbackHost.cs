using System.Collections.Concurrent;
using System.Collections.Specialized;
using System.Net;
using System.Net.Sockets;

namespace Handwritten.Server.Tests.Jobs;

/// <summary>Somebody else's web server: gives the recording to whoever asks, and keeps what is posted.</summary>
internal sealed class LoopbackHost : IAsyncDisposable
{
    private readonly HttpListener _listener = new();
    private readonly string? _redirect;
    private readonly Task _serving;

    public LoopbackHost(string? redirect = null, string host = "127.0.0.1")
    {
        _redirect = redirect;
        Address = $"http://{host}:{FreePort()}";
        _listener.Prefixes.Add($"{Address}/");
        _listener.Start();
        _serving = ServeAsync();
    }

    public string Address { get; }

    public ConcurrentQueue<Received> Got { get; } = new();

    public ConcurrentQueue<Received> Posted { get; } = new();

    /// <summary>So many posts are answered that the host is busy.</summary>
    public int Refusals { get; init; }

    /// <summary>Posts are answered when this has ended.</summary>
    public Task Holding { get; init; } = Task.CompletedTask;

    public async Task<Received> PostedAsync()
    {
        await Eventually.HoldsAsync(() => Task.FromResult(!Posted.IsEmpty));
        return Posted.First();
    }

    public async ValueTask DisposeAsync()
    {
        _listener.Close();
        await _serving;
    }

    private async Task ServeAsync()
    {
        try
        {
            while (true)
            {
                HttpListenerContext context = await _listener.GetContextAsync();
                using MemoryStream body = new();
                await context.Request.InputStream.CopyToAsync(body);
                (context.Request.HttpMethod == "POST" ? Posted : Got).Enqueue(new Received(context.Request.Url!.AbsolutePath, context.Request.Headers, body.ToArray()));
                if (context.Request.HttpMethod == "POST" && !Holding.IsCompleted)
                {
                    _ = Holding.ContinueWith(_ => Answer(context), TaskScheduler.Default);
                }
                else if (context.Request.Url.AbsolutePath != "/never") // which is answered never
                {
                    Answer(context);
                }
            }
        }
        catch (Exception failure) when (failure is HttpListenerException or ObjectDisposedException)
        {
            // Closed.
        }
    }

    private void Answer(HttpListenerContext context)
    {
        using HttpListenerResponse response = context.Response;
        if (_redirect is not null)
        {
            response.Redirect(_redirect);
            return;
        }

        bool isRefused = context.Request.HttpMethod == "POST" && Posted.Count <= Refusals;
        response.StatusCode = isRefused ? 503 : context.Request.Url!.AbsolutePath == "/missing" ? 404 : 200;
        if (context.Request.Url!.AbsolutePath == "/recording.wav")
        {
            response.OutputStream.Write(File.ReadAllBytes(RunningServer.Recording));
        }
        else if (context.Request.Url.AbsolutePath == "/nonsense")
        {
            response.OutputStream.Write("no sound"u8);
        }
    }

    private static int FreePort()
    {
        using TcpListener probe = new(IPAddress.Loopback, 0);
        probe.Start();
        return ((IPEndPoint)probe.LocalEndpoint).Port;
    }

    internal sealed record Received(string Path, NameValueCollection Headers, byte[] Body);
}
