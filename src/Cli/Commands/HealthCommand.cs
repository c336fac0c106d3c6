using System.CommandLine;

namespace Handwritten.Cli.Commands;

/// <summary>
/// <c>handwritten health</c>: whether a server takes requests, for whoever watches a container, in which there is no curl. What the server
/// says of itself goes to standard output, where <c>docker inspect</c> shows it.
/// </summary>
internal sealed class HealthCommand : Command
{
    private const int NotReady = 1; // Docker knows this code and 0

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);

    private readonly Argument<string> _server = new("URL") { Description = "The server.", DefaultValueFactory = _ => "http://127.0.0.1:8000" };

    public HealthCommand()
        : base("health", "Ask a server whether it takes requests: exit code 0 if it does, 1 if not.")
    {
        Add(_server);
        SetAction(RunAsync);
    }

    private async Task<int> RunAsync(ParseResult parsed, CancellationToken cancellation)
    {
        string server = parsed.GetRequiredValue(_server);
        if (!Uri.TryCreate($"{server.TrimEnd('/')}/health/ready", UriKind.Absolute, out Uri? address) || address.Scheme is not ("http" or "https"))
        {
            throw new UsageException($"{_server.Name} must be an address such as http://127.0.0.1:8000, but it is '{server}'.");
        }

        using HttpClient http = new(new SocketsHttpHandler { UseProxy = false }) { Timeout = Patience };
        try
        {
            using HttpResponseMessage answer = await http.GetAsync(address, cancellation);
            Console.Out.WriteLine(await answer.Content.ReadAsStringAsync(cancellation));
            return answer.IsSuccessStatusCode ? (int)ExitCode.Ok : NotReady;
        }
        catch (Exception failure) when (failure is HttpRequestException || (failure is OperationCanceledException && !cancellation.IsCancellationRequested))
        {
            Console.Error.WriteLine($"handwritten: There is no server at {address.Authority} ({failure.Message.TrimEnd('.')}).");
            return NotReady;
        }
    }
}
