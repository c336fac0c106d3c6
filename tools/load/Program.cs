using System.CommandLine;
using Handwritten.Load;

// Load tests of `handwritten serve`. Each starts servers of its own on the loopback interface, sends a known number of requests
// or hours of sound, prints a table, and ends:
//
//     dotnet run -c Release --project tools/load -- throughput --clients 1 8 32
//     dotnet run -c Release --project tools/load -- all --json measured.json
//
// The exit code is 1 where a text is wrong, memory grows or something is left behind. No speed is a failure.

Option<FileInfo?> json = new("--json") { Description = "Write what was found to this file, too.", HelpName = "FILE", Recursive = true };
RootCommand root = new("Load tests of the server, with the demo model on this machine's CPU.") { json };
TimeSpan longest = TimeSpan.FromHours(3); // of each test
List<(string Name, Func<ParseResult, CancellationToken, Task<IFindings>> Measure)> tests = [];

Option<int[]> numbers = new("--clients") { Description = "Numbers of clients.", HelpName = "N", AllowMultipleArgumentsPerToken = true, DefaultValueFactory = _ => [.. Throughput.UsualClients] };
Option<int> clients = Count("--clients", "Clients at the same time.", 8);
Option<int> throughputRequests = Count("--requests", "Requests of each number of clients.", Throughput.UsualRequests);
Option<int> turns = Count("--turns", "Turns that count.", BatchingGain.UsualTurns);
Option<int> batchingRequests = Count("--requests", "Short requests of a turn.", BatchingGain.UsualRequests);
Option<string[]> shapes = new("--shapes") { Description = "Besides the demo model, made-up weights in the shapes of these.", HelpName = "NAME", AllowMultipleArgumentsPerToken = true, DefaultValueFactory = _ => [.. BatchingBound.UsualShapes] };
shapes.AcceptOnlyFromAmong([.. Handwritten.Model.WhisperDimensions.Known.Keys]);
Option<int> memoryRequests = Count("--requests", "Requests.", RequestMemory.UsualRequests, least: Growth.Samples);
Option<double> hours = new("--hours") { Description = "Hours of speech.", HelpName = "N", DefaultValueFactory = _ => StreamMemory.UsualHours };
hours.Validators.Add(result =>
{
    if (!(result.GetValueOrDefault<double>() >= StreamMemory.LeastHours))
    {
        result.AddError($"--hours must be a number from {StreamMemory.LeastHours} on.");
    }
});
Option<int> sentences = Count("--sentences", "Sentences.", LiveLatency.UsualSentences);
Option<int> others = Count("--clients", "Clients that send recordings meanwhile.", 0, least: 0);
Option<int> seed = Count("--seed", "Says what happens when.", FaultStorm.UsualSeed, least: 0);
Option<int> stormRequests = Count("--requests", "Requests.", FaultStorm.UsualRequests);

Add("throughput", "Throughput and latency of 1, 8, 32 clients.", [numbers, throughputRequests],
    async (parsed, cancellation) => await Throughput.MeasureAsync(parsed.GetRequiredValue(numbers), parsed.GetValue(throughputRequests), cancellation));
Add("batching", "Batching on against off, and against no server.", [clients, turns, batchingRequests],
    async (parsed, cancellation) => await BatchingGain.MeasureAsync(parsed.GetValue(clients), parsed.GetValue(turns), parsed.GetValue(batchingRequests), cancellation));
Add("bound", "What batching can gain at most, by what the parts of a model take.", [shapes],
    (parsed, cancellation) => Task.FromResult<IFindings>(BatchingBound.Measure(parsed.GetRequiredValue(shapes), cancellation)));
Add("latency", "How long a speaker waits for the text.", [sentences, others],
    async (parsed, cancellation) => await LiveLatency.MeasureAsync(parsed.GetValue(sentences), parsed.GetValue(others), cancellation));
Add("faults", "Healthy clients among faulty ones.", [seed, clients, stormRequests],
    async (parsed, cancellation) => await FaultStorm.MeasureAsync(parsed.GetValue(seed), parsed.GetValue(clients), parsed.GetValue(stormRequests), cancellation));
Add("requests", "Memory over many short requests.", [clients, memoryRequests],
    async (parsed, cancellation) => await RequestMemory.MeasureAsync(parsed.GetValue(clients), parsed.GetValue(memoryRequests), cancellation));
Add("stream", "Memory over hours of a live stream.", [hours],
    async (parsed, cancellation) => await StreamMemory.MeasureAsync(parsed.GetValue(hours) * 3600, cancellation));

Command all = new("all", "All of them, one after the other, as they are without options.");
all.SetAction(async (parsed, cancellation) =>
{
    Report report = new(Console.Out);
    foreach ((string name, var measure) in tests)
    {
        report.Add(await Within(longest, measure, root.Parse(name), cancellation));
    }

    return report.End(parsed.GetValue(json));
});
root.Add(all);
return await root.Parse(args).InvokeAsync();

void Add(string name, string description, Option[] options, Func<ParseResult, CancellationToken, Task<IFindings>> measure)
{
    Command command = new(name, description);
    Array.ForEach(options, command.Add);
    command.SetAction(async (parsed, cancellation) =>
    {
        Report report = new(Console.Out);
        report.Add(await Within(longest, measure, parsed, cancellation));
        return report.End(parsed.GetValue(json));
    });
    root.Add(command);
    tests.Add((name, measure));
}

// A server that hangs must not keep the test for ever.
static async Task<IFindings> Within(TimeSpan longest, Func<ParseResult, CancellationToken, Task<IFindings>> measure, ParseResult parsed, CancellationToken cancellation)
{
    using CancellationTokenSource patience = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
    patience.CancelAfter(longest);
    return await measure(parsed, patience.Token);
}

static Option<int> Count(string name, string description, int usual, int least = 1)
{
    Option<int> option = new(name) { Description = description, HelpName = "N", DefaultValueFactory = _ => usual };
    option.Validators.Add(result =>
    {
        if (result.Tokens.Count > 0 && (!int.TryParse(result.Tokens[0].Value, out int value) || value < least))
        {
            result.AddError($"{name} must be a whole number from {least} on.");
        }
    });
    return option;
}
