using System.Diagnostics;
using System.Reflection;
using Handwritten.Tools.GpuTests;

// Runs the tests whose namespace has a part "Gpu" on the machine's own GPU, where there is no .NET SDK:
//
//     gpu-tests [--emulated] [PART OF A TEST'S NAME]
//
// Prints a line for each test that fails. The last line is "N passed, N failed, N skipped"; the exit code is 0 when at
// least one ran and none failed.
bool emulated = args.Contains("--emulated");
string part = args.FirstOrDefault(argument => argument != "--emulated") ?? "";
Environment.SetEnvironmentVariable("HANDWRITTEN_TEST_DEVICE", emulated ? null : "cuda");
Stopwatch watch = Stopwatch.StartNew();
TestTally tally = new();
foreach (string name in (string[])["Handwritten.Kernels.Tests", "Handwritten.Model.Tests", "Handwritten.Runtime.Tests"])
{
    TestAssembly.Run(Assembly.Load(name), test => test.Contains(".Gpu.", StringComparison.Ordinal) && test.Contains(part, StringComparison.Ordinal), tally);
}

Console.WriteLine($"in {watch.Elapsed.TotalSeconds:F0} s");
Console.WriteLine($"{tally.Passed} passed, {tally.Failed} failed, {tally.Skipped} skipped");
return tally.Failed == 0 && tally.Passed > 0 ? 0 : 1;
