using System.CommandLine;
using Handwritten.Load;
using Handwritten.Rivals;

// whisper.cpp and this program in turns on the same machine, with the same weights.
//
//     dotnet run -c Release --project tools/rivals -- parts --shape tiny base small
//     dotnet run -c Release --project tools/rivals -- recordings
//
// whisper.cpp comes with Whisper.net, built for any processor with AVX2; --library takes one that was built for this one:
//
//     cmake -B build -DCMAKE_BUILD_TYPE=Release -DGGML_NATIVE=ON && cmake --build build      in whisper.cpp
//     ... -- parts --library whisper.cpp/build/bin/libwhisper.so

string packaged = Path.Combine(AppContext.BaseDirectory, "runtimes", "linux-x64", "libwhisper.so");
Option<FileInfo?> json = new("--json") { Description = "Write what was found to this file, too.", HelpName = "FILE", Recursive = true };
Option<int> threads = new("--threads") { Description = "Threads of both.", HelpName = "N", Recursive = true, DefaultValueFactory = _ => Environment.ProcessorCount };
Option<int> turns = new("--turns") { Description = "Turns that count.", HelpName = "N", Recursive = true, DefaultValueFactory = _ => 9 };
Option<string[]> shapes = new("--shape") { Description = "The demo model, or made-up weights in the shapes of published ones.", HelpName = "NAME", AllowMultipleArgumentsPerToken = true, DefaultValueFactory = _ => [PartComparison.Demo, "tiny", "base"] };
shapes.AcceptOnlyFromAmong([PartComparison.Demo, "tiny", "base", "small", "medium", "large-v2"]); // they share the demo model's tokens
Option<FileInfo> library = new("--library") { Description = "Another build of whisper.cpp.", HelpName = "FILE", DefaultValueFactory = _ => new FileInfo(packaged) };

Command parts = new("parts", "Log-mel, encoder, prompt and token.") { shapes, library };
parts.SetAction((parsed, cancellation) =>
{
    Report report = new(Console.Out);
    foreach (string shape in parsed.GetRequiredValue(shapes))
    {
        report.Add(PartComparison.Measure(parsed.GetRequiredValue(library).FullName, shape, parsed.GetValue(threads), parsed.GetValue(turns), cancellation));
    }

    return Task.FromResult(report.End(parsed.GetValue(json)));
});
Command recordings = new("recordings", "Whole recordings by the demo model, through Whisper.net.");
recordings.SetAction(async (parsed, cancellation) =>
{
    Report report = new(Console.Out);
    report.Add(await RecordingComparison.MeasureAsync(parsed.GetValue(threads), parsed.GetValue(turns), cancellation));
    return report.End(parsed.GetValue(json));
});
return await new RootCommand("This program and whisper.cpp in turns.") { parts, recordings, json, threads, turns }.Parse(args).InvokeAsync();
