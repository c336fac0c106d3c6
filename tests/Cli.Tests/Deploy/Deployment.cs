using System.Text.RegularExpressions;
using Handwritten.Tests;
using k8s;
using YamlDotNet.Core;
using YamlDotNet.Serialization;

namespace Handwritten.Cli.Tests.Deploy;

/// <summary>The files of deploy/, read as those read them whom they are for.</summary>
internal static partial class Deployment
{
    /// <summary>All Kubernetes objects, with a field that their types do not have as an error.</summary>
    public static IReadOnlyList<object> Objects { get; } =
        [.. Directory.GetFiles(PathOf("kubernetes"), "*.yaml").Order().SelectMany(file => KubernetesYaml.LoadAllFromString(File.ReadAllText(file), strict: true))];

    /// <summary>The only object of a kind.</summary>
    public static T Only<T>() => Objects.OfType<T>().Single();

    /// <summary>compose.yaml with its merges carried out.</summary>
    public static Dictionary<object, object> Compose { get; } =
        new Deserializer().Deserialize<Dictionary<object, object>>(new MergingParser(new Parser(new StringReader(Text("compose.yaml")))));

    /// <summary>The environment variables that the program reads: those that its help names, and those in its source.</summary>
    public static IReadOnlySet<string> KnownVariables(string help) => Directory.EnumerateFiles(Path.Combine(TestData.Repository, "src"), "*.cs", SearchOption.AllDirectories)
        .SelectMany(file => QuotedVariables().Matches(File.ReadAllText(file)))
        .Concat(HelpVariables().Matches(help))
        .Select(match => match.Groups[1].Value)
        .ToHashSet();

    /// <summary>Text of a file.</summary>
    public static string Text(params string[] path) => File.ReadAllText(PathOf(path));

    /// <summary>The instructions of a container file, with their continuation lines.</summary>
    public static IReadOnlyList<(string Name, string Argument)> Instructions(string file) =>
    [
        .. Text(file).Replace("\\\n", " ", StringComparison.Ordinal).Split('\n')
            .Select(line => line.Trim())
            .Where(line => line.Length > 0 && line[0] != '#')
            .Select(line => (line.Split(' ')[0], line[(line.IndexOf(' ', StringComparison.Ordinal) + 1)..].Trim())),
    ];

    /// <summary>The variables that a container file sets.</summary>
    public static IReadOnlyDictionary<string, string> Variables(string file) => Instructions(file)
        .Where(instruction => instruction.Name == "ENV")
        .SelectMany(instruction => instruction.Argument.Split(' ', StringSplitOptions.RemoveEmptyEntries))
        .ToDictionary(pair => pair.Split('=')[0], pair => pair.Split('=')[1]);

    /// <summary>The words of an instruction that is a list in JSON.</summary>
    public static IReadOnlyList<string> Words(string file, string instruction) =>
        System.Text.Json.JsonSerializer.Deserialize<string[]>(Instructions(file).Single(one => one.Name == instruction).Argument)!;

    /// <summary>The words by which a container file asks for the health.</summary>
    public static IReadOnlyList<string> Health(string file)
    {
        string check = Instructions(file).Single(one => one.Name == "HEALTHCHECK").Argument, command = check[check.IndexOf("CMD", StringComparison.Ordinal)..];
        return [command[..3], .. System.Text.Json.JsonSerializer.Deserialize<string[]>(command[3..])!];
    }

    /// <summary>The settings of the systemd unit, section by section; a name may come several times.</summary>
    public static ILookup<string, string> Unit { get; } = Text("systemd", "handwritten.service").Split('\n')
        .Where(line => line.Contains('=', StringComparison.Ordinal) && line[0] != '#')
        .ToLookup(line => line[..line.IndexOf('=', StringComparison.Ordinal)], line => line[(line.IndexOf('=', StringComparison.Ordinal) + 1)..]);

    private static string PathOf(params string[] path) => Path.Combine([TestData.Repository, "deploy", .. path]);

    [GeneratedRegex(@"""((?:HANDWRITTEN|MODEL)_[A-Z_]+)""")]
    private static partial Regex QuotedVariables();

    [GeneratedRegex(@"\$((?:HANDWRITTEN|MODEL)_[A-Z_]+)")]
    private static partial Regex HelpVariables();
}
