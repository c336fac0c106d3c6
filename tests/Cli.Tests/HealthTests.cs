using Xunit;

namespace Handwritten.Cli.Tests;

/// <summary>The command that asks whether a server takes requests, as containers do it.</summary>
public sealed class HealthTests : IDisposable
{
    private readonly Sandbox _sandbox = new();

    public void Dispose() => _sandbox.Dispose();

    [LinuxFact]
    public async Task A_server_is_healthy_when_it_takes_requests()
    {
        string model = _sandbox.CopyModel(), weights = Path.Combine(model, "model.safetensors"), elsewhere = _sandbox["elsewhere"];
        File.Move(weights, elsewhere);
        using RunningServeCommand server = await RunningServeCommand.ListeningAsync(_sandbox.StartHandwritten("serve", "--port", "0", "--device", "cpu", "--model", model));
        Outcome ill = await AskAsync("\"failed\"");
        Assert.Equal((1, ""), (ill.ExitCode, ill.Error));

        File.Move(elsewhere, weights); // which it finds by itself
        Outcome well = await AskAsync("\"ready\"");
        Assert.Equal((0, ""), (well.ExitCode, well.Error));
        server.Terminate(_sandbox);

        Outcome gone = _sandbox.Handwritten("health", server.Address);
        Assert.Equal((1, ""), (gone.ExitCode, gone.Output));
        Assert.Contains("There is no server at", Assert.Single(gone.ErrorLines), StringComparison.Ordinal);

        async Task<Outcome> AskAsync(string status)
        {
            for (int attempt = 0; ; attempt++, await Task.Delay(200))
            {
                Outcome outcome = _sandbox.Handwritten("health", server.Address);
                if (outcome.Output.Contains(status, StringComparison.Ordinal) || attempt == 100)
                {
                    return outcome;
                }
            }
        }
    }

    [Fact]
    public void An_address_that_is_none_is_told()
    {
        Outcome outcome = _sandbox.Handwritten("health", "nowhere");
        Assert.Equal(2, outcome.ExitCode);
        Assert.Contains("'nowhere'", Assert.Single(outcome.ErrorLines), StringComparison.Ordinal);
    }
}
