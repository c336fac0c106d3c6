using System.Runtime.InteropServices;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Handwritten.Load;

/// <summary>Prints what is found, and keeps it for a file.</summary>
internal sealed class Report
{
    private static readonly JsonSerializerOptions Format = new(JsonSerializerDefaults.Web) { WriteIndented = true, Converters = { new JsonStringEnumConverter() } };

    private readonly List<object> _findings = [];
    private readonly TextWriter _output;
    private readonly string _machine;
    private bool _hasFailed;

    /// <summary>Begins with a line about the machine, and how much else it does: the mean number of threads that wanted a processor in the last minute.</summary>
    public Report(TextWriter output)
    {
        string load = File.Exists("/proc/loadavg") ? $", load before {File.ReadAllText("/proc/loadavg").Split(' ')[0]}" : "";
        _machine = $"{Environment.ProcessorCount} processors, {RuntimeInformation.OSDescription.Trim()}, {RuntimeInformation.FrameworkDescription}{load}";
        _output = output;
        _output.WriteLine(_machine);
    }

    /// <summary>Prints findings.</summary>
    public void Add(IFindings findings)
    {
        _output.WriteLine($"\n{findings.Title}\n");
        findings.ToTable().Write(_output);
        if (findings.Failure is { } failure)
        {
            _hasFailed = true;
            _output.WriteLine($"\nFAILED: {failure}");
        }

        _findings.Add(findings);
    }

    /// <summary>Writes all findings as JSON, if that is wanted.</summary>
    /// <returns>The exit code.</returns>
    public int End(FileInfo? json)
    {
        if (json is not null)
        {
            File.WriteAllText(json.FullName, JsonSerializer.Serialize(new { Machine = _machine, Findings = _findings }, Format));
        }

        return _hasFailed ? 1 : 0;
    }
}
