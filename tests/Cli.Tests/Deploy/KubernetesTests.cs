using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using Handwritten.Tests;
using k8s;
using k8s.Models;
using Xunit;

namespace Handwritten.Cli.Tests.Deploy;

/// <summary>The Kubernetes manifests: valid, consistent, and true of the server that they start.</summary>
public sealed class KubernetesTests : IDisposable
{
    private readonly Sandbox _sandbox = new();

    private static V1Deployment Server => Deployment.Only<V1Deployment>();

    private static V1PodSpec Pod => Server.Spec.Template.Spec;

    private static V1Container Container => Assert.Single(Pod.Containers);

    public void Dispose() => _sandbox.Dispose();

    [Fact]
    public void Every_field_is_one_of_its_object()
    {
        Assert.Equal(
            [nameof(V1Deployment), nameof(V1PodDisruptionBudget), nameof(V1Service), nameof(V2HorizontalPodAutoscaler)],
            Deployment.Objects.Select(one => one.GetType().Name).Order(StringComparer.Ordinal));
        string mistaken = Deployment.Text("kubernetes", "server.yaml").Replace("periodSeconds", "periodInSeconds", StringComparison.Ordinal);
        Assert.ThrowsAny<YamlDotNet.Core.YamlException>(() => KubernetesYaml.LoadAllFromString(mistaken, strict: true)); // or nothing would have been shown
    }

    [LinuxFact]
    public async Task The_server_as_it_is_started_there_answers_the_probes_and_shows_the_metric_that_is_scaled_by()
    {
        string key = _sandbox.Handwritten("api-key", "tester", "--api-keys", "keys").Output.Trim();
        string[] arguments =
        [
            .. Deployment.Words("Dockerfile.cuda", "ENTRYPOINT").SkipWhile(word => word != "serve"), "--port", "0",
            .. Container.Args.Select(argument => argument switch { "cuda" => "cpu", "/keys/keys" => _sandbox["keys"], var other => other }),
        ];
        (string, string?)[] environment =
        [
            .. Container.Env.Where(variable => variable.Value is not null)
                .Select(variable => (variable.Name, variable.Name == "HANDWRITTEN_MODEL" ? TestData.Weights("whisper-nano") : variable.Value)),
        ];
        using RunningServeCommand server = await RunningServeCommand.ListeningAsync(
            _sandbox.StartInShell($"exec \"$DOTNET\" \"$PROGRAM\" {string.Join(' ', arguments.Select(argument => $"'{argument}'"))}", environment));
        using HttpClient client = new() { BaseAddress = new Uri(server.Address.Replace("0.0.0.0", "127.0.0.1", StringComparison.Ordinal)) };

        // The probes send no key. The model may still be loading, which is what the first of them waits for.
        V1Probe starting = Container.StartupProbe;
        for (int attempt = 0; !(await client.GetAsync(starting.HttpGet.Path)).IsSuccessStatusCode; attempt++)
        {
            Assert.InRange(attempt, 0, starting.FailureThreshold!.Value * 5);
            await Task.Delay(200);
        }

        foreach (V1Probe probe in new[] { Container.ReadinessProbe, Container.LivenessProbe })
        {
            Assert.Equal(HttpStatusCode.OK, (await client.GetAsync(probe.HttpGet.Path)).StatusCode);
        }

        Assert.Equal(HttpStatusCode.Unauthorized, (await client.GetAsync("/v1/models")).StatusCode);
        client.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", key);
        Assert.Equal(HttpStatusCode.OK, (await client.GetAsync("/v1/models")).StatusCode);

        string metrics = await client.GetStringAsync(Server.Spec.Template.Metadata.Annotations["prometheus.io/path"]);
        V2MetricSpec scaling = Assert.Single(Deployment.Only<V2HorizontalPodAutoscaler>().Spec.Metrics);
        Assert.Contains(metrics.Split('\n'), line => line.StartsWith($"{scaling.Pods.Metric.Name}{{", StringComparison.Ordinal));
        server.Terminate(_sandbox);
    }

    [Fact]
    public void The_rule_of_the_adapter_names_the_metric_that_is_scaled_by()
    {
        string metric = Assert.Single(Deployment.Only<V2HorizontalPodAutoscaler>().Spec.Metrics).Pods.Metric.Name, text = Deployment.Text("kubernetes", "autoscaling.yaml");
        Assert.Contains($"seriesQuery: {metric}{{pod!=\"\"}}", text, StringComparison.Ordinal);
        Assert.Contains($"name: {{as: {metric}}}", text, StringComparison.Ordinal);
    }

    [Fact]
    public void What_refers_to_something_finds_it()
    {
        IDictionary<string, string> labels = Server.Spec.Template.Metadata.Labels;
        Assert.Equal(labels, Server.Spec.Selector.MatchLabels);
        Assert.Equal(labels, Deployment.Only<V1Service>().Spec.Selector);
        Assert.Equal(labels, Deployment.Only<V1PodDisruptionBudget>().Spec.Selector.MatchLabels);
        V2CrossVersionObjectReference scaled = Deployment.Only<V2HorizontalPodAutoscaler>().Spec.ScaleTargetRef;
        Assert.Equal((Server.ApiVersion, Server.Kind, Server.Metadata.Name), (scaled.ApiVersion, scaled.Kind, scaled.Name));

        V1ContainerPort port = Assert.Single(Container.Ports);
        Assert.Equal(8000, port.ContainerPort); // which is the server's unless it is told otherwise
        Assert.DoesNotContain("--port", Container.Args);
        Assert.Equal(port.Name, Assert.Single(Deployment.Only<V1Service>().Spec.Ports).TargetPort.Value);
        Assert.Equal($"{port.ContainerPort}", Server.Spec.Template.Metadata.Annotations["prometheus.io/port"]);
        Assert.All(new[] { Container.StartupProbe, Container.ReadinessProbe, Container.LivenessProbe }, probe => Assert.Equal(port.Name, probe.HttpGet.Port.Value));
        Assert.Equal(Pod.Volumes.Select(volume => volume.Name).Order(), Container.VolumeMounts.Select(mount => mount.Name).Order());
    }

    [Fact]
    public void It_gets_a_GPU_writes_where_it_must_and_may_do_nothing_else()
    {
        Assert.Equal("1", Container.Resources.Limits["nvidia.com/gpu"].ToString());
        Assert.Equal((true, 1654L, "RuntimeDefault", false), (Pod.SecurityContext.RunAsNonRoot, Pod.SecurityContext.RunAsUser, Pod.SecurityContext.SeccompProfile.Type, Pod.AutomountServiceAccountToken));
        Assert.Equal((false, true), (Container.SecurityContext.AllowPrivilegeEscalation, Container.SecurityContext.ReadOnlyRootFilesystem));
        Assert.Equal(["ALL"], Container.SecurityContext.Capabilities.Drop);
        string[] writable = [.. Container.VolumeMounts.Where(mount => mount.ReadOnlyProperty != true).Select(mount => mount.MountPath)];
        Assert.Equal([Deployment.Variables("Dockerfile.cuda")["HANDWRITTEN_KERNEL_CACHE"], "/tmp"], writable);
    }

    [Fact]
    public void A_stop_has_the_time_that_it_takes()
    {
        string seconds = Container.Args[Container.Args.IndexOf("--shutdown-seconds") + 1];
        double needed = double.Parse(seconds, CultureInfo.InvariantCulture) + Container.Lifecycle.PreStop.Sleep.Seconds;
        Assert.InRange(needed, 0, Pod.TerminationGracePeriodSeconds!.Value - 5);
    }

    [Fact]
    public void Variables_are_ones_that_the_program_reads()
    {
        IReadOnlySet<string> known = Deployment.KnownVariables(_sandbox.Handwritten("serve", "--help").Output);
        Assert.All(Container.Env, variable => Assert.Contains(variable.Name, known));
    }
}
