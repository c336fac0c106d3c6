using System.Globalization;
using System.Text.RegularExpressions;
using Handwritten.Tests;
using Xunit;

namespace Handwritten.Cli.Tests.Deploy;

/// <summary>The container files, compose.yaml and the systemd unit: what they set and start is what the program knows.</summary>
public sealed partial class ContainerTests : IDisposable
{
    /// <summary>What asks the server whether it is ready, where there is no curl.</summary>
    private static readonly string[] Health = ["dotnet", "/app/handwritten.dll", "health"];

    private readonly Sandbox _sandbox = new();
    private readonly string _help;

    public ContainerTests() => _help = _sandbox.Handwritten("serve", "--help").Output;

    public void Dispose() => _sandbox.Dispose();

    [Theory]
    [InlineData("Dockerfile")]
    [InlineData("Dockerfile.cuda")]
    public void A_container_file_copies_what_there_is_and_starts_what_there_is(string file)
    {
        IReadOnlySet<string> known = Deployment.KnownVariables(_help);
        Assert.All(Deployment.Variables(file).Keys.Where(name => !name.StartsWith("NVIDIA_", StringComparison.Ordinal)), name => Assert.Contains(name, known));
        string[] words = [.. Deployment.Words(file, "ENTRYPOINT"), .. Deployment.Words(file, "CMD")];
        Assert.Equal(["dotnet", "/app/handwritten.dll", "serve"], words[..3]);
        AssertKnown(words[3..]);
        Assert.Equal(["CMD", .. Health], Deployment.Health(file));
        Assert.Equal("8000", Deployment.Instructions(file).Single(instruction => instruction.Name == "EXPOSE").Argument);
        Assert.Equal("$APP_UID", Deployment.Instructions(file).Single(instruction => instruction.Name == "USER").Argument); // not root
        Assert.All(
            Deployment.Instructions(file).Where(instruction => instruction.Name == "COPY" && !instruction.Argument.StartsWith("--from", StringComparison.Ordinal)),
            copy => Assert.True(Path.Exists(Path.Combine(TestData.Repository, copy.Argument.Split(' ')[0])), copy.Argument));

        // The model that it starts with is the one that it brings along.
        string model = Deployment.Variables(file)["HANDWRITTEN_MODEL"];
        Assert.True(Directory.Exists(Path.Combine(TestData.Repository, model["/app/".Length..])), model);
    }

    [Theory]
    [InlineData("cpu", "deploy/Dockerfile")]
    [InlineData("gpu", "deploy/Dockerfile.cuda")]
    public void A_service_of_compose_is_as_confined_as_it_can_be_and_sets_what_is_read(string name, string file)
    {
        Dictionary<object, object> service = Map(Map(Deployment.Compose["services"])[name]);
        IReadOnlySet<string> known = Deployment.KnownVariables(_help);
        Assert.All(Map(service["environment"]).Keys, variable => Assert.Contains((string)variable, known));
        Assert.Equal(file, Map(service["build"])["dockerfile"]);
        Assert.True(File.Exists(Path.Combine(TestData.Repository, file)));
        Assert.Equal(["8000:8000"], (IEnumerable<object>)service["ports"]);
        Assert.Equal("true", service["read_only"]);
        Assert.Equal(["ALL"], (IEnumerable<object>)service["cap_drop"]);
        Assert.StartsWith("/tmp:", (string)Assert.Single((List<object>)service["tmpfs"]), StringComparison.Ordinal);
        Assert.InRange(Seconds((string)service["stop_grace_period"]), ShutdownSeconds + 5, 300);
        Assert.Equal(["CMD", .. Health], (IEnumerable<object>)Map(service["healthcheck"])["test"]);
        if (name == "gpu")
        {
            Dictionary<object, object> device = Map(Assert.Single((List<object>)Map(Map(Map(service["deploy"])["resources"])["reservations"])["devices"]));
            Assert.Equal("nvidia", device["driver"]);
            Assert.Contains($"kernels:{Deployment.Variables("Dockerfile.cuda")["HANDWRITTEN_KERNEL_CACHE"]}", (IEnumerable<object>)service["volumes"]);
        }
    }

    [Fact]
    public void The_unit_starts_what_there_is_and_gives_it_time_to_stop()
    {
        string[] words = Assert.Single(Deployment.Unit["ExecStart"]).Split(' ');
        Assert.Equal(["/usr/bin/dotnet", "/opt/handwritten/handwritten.dll", "serve"], words[..3]);
        AssertKnown(words[3..]);
        IReadOnlySet<string> known = Deployment.KnownVariables(_help);
        Assert.All(Deployment.Unit["Environment"], variable => Assert.Contains(variable.Split('=')[0], known));
        Assert.All(NamedVariables().Matches(Deployment.Text("systemd", "handwritten.service")), variable => Assert.Contains(variable.Value, known)); // also in its comments
        Assert.InRange(Seconds($"{Assert.Single(Deployment.Unit["TimeoutStopSec"])}s"), ShutdownSeconds + 5, 300);
        Assert.Equal(["yes"], Deployment.Unit["NoNewPrivileges"]);
        Assert.Equal(["strict"], Deployment.Unit["ProtectSystem"]);
    }

    [SystemdFact]
    public void Systemd_takes_the_unit()
    {
        // Here the program lies elsewhere, which would be all that is wrong with it.
        string unit = _sandbox.Write("handwritten.service", Deployment.Text("systemd", "handwritten.service").Replace("/usr/bin/dotnet /opt", "/bin/true /opt", StringComparison.Ordinal));
        Outcome verified = _sandbox.Run("systemd-analyze", ["verify", "--man=no", unit]);
        Assert.Equal(("", 0), (string.Join('\n', verified.ErrorLines.Where(line => line.Contains("handwritten.service", StringComparison.Ordinal))), verified.ExitCode));
    }

    /// <summary>The server's own patience, unless it is told otherwise.</summary>
    private double ShutdownSeconds => double.Parse(ShutdownDefault().Match(_help).Groups[1].Value, CultureInfo.InvariantCulture);

    private void AssertKnown(IEnumerable<string> words) =>
        Assert.All(words.Where(word => word.StartsWith("--", StringComparison.Ordinal)), option => Assert.Contains(option, _help, StringComparison.Ordinal));

    private static Dictionary<object, object> Map(object node) => (Dictionary<object, object>)node;

    private static double Seconds(string text) => double.Parse(text.TrimEnd('s'), CultureInfo.InvariantCulture);

    [GeneratedRegex(@"--shutdown-seconds[^\[]*\[default: (\d+)\]", RegexOptions.Singleline)]
    private static partial Regex ShutdownDefault();

    [GeneratedRegex(@"\b(HANDWRITTEN|MODEL)_[A-Z_]+\b")]
    private static partial Regex NamedVariables();
}

/// <summary>A test with systemd-analyze: only where that is.</summary>
public sealed class SystemdFactAttribute : FactAttribute
{
    public SystemdFactAttribute() => Skip = (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator).Any(folder => File.Exists(Path.Combine(folder, "systemd-analyze")))
        ? null
        : "There is no systemd-analyze.";
}
