using System.Diagnostics;
using System.Reflection;
using Handwritten.Tools.GpuTests;

// Runs the tests whose namespace has a part "Gpu", and the ILGPU programs that the emulator is tested with, on the machine's
// own GPU, where there is no .NET SDK:
//
//     gpu-tests [--emulated] [--without PART OF A TEST'S NAME] [PART OF A TEST'S NAME]
//
// Prints a line for each test that fails. The last line is "N passed, N failed, N skipped"; the exit code is 0 when at
// least one ran and none failed.
bool emulated = args.Contains("--emulated");
int without = Array.IndexOf(args, "--without");
string? unwanted = without >= 0 && without + 1 < args.Length ? args[without + 1] : null;
string part = args.Where((argument, i) => argument != "--emulated" && (without < 0 || (i != without && i != without + 1))).FirstOrDefault() ?? "";
Environment.SetEnvironmentVariable("HANDWRITTEN_TEST_DEVICE", emulated ? null : "cuda");
Stopwatch watch = Stopwatch.StartNew();
TestTally tally = new();
foreach (string name in (string[])["Handwritten.Kernels.Tests", "Handwritten.Model.Tests", "Handwritten.Runtime.Tests", "Handwritten.CudaEmulator.Tests"])
{
    TestAssembly.Run(Assembly.Load(name), IsWanted, tally);
}

Console.WriteLine($"in {watch.Elapsed.TotalSeconds:F0} s");
Console.WriteLine($"{tally.Passed} passed, {tally.Failed} failed, {tally.Skipped} skipped");
return tally.Failed == 0 && tally.Passed > 0 ? 0 : 1;

bool IsWanted(string test) =>
    (test.Contains(".Gpu.", StringComparison.Ordinal) || IsProgram(test))
    && test.Contains(part, StringComparison.Ordinal)
    && (unwanted is null || !test.Contains(unwanted, StringComparison.Ordinal));

// But for what is the emulated driver's own: its devices, and what its checks find.
static bool IsProgram(string test) =>
    test.Contains(".Ilgpu.", StringComparison.Ordinal)
    && !test.Contains("FaultTests", StringComparison.Ordinal)
    && !test.Contains("DeviceTests", StringComparison.Ordinal);
