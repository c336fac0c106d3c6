using Handwritten.Tests;
using Xunit;

namespace Handwritten.Cli.Tests;

/// <summary>
/// The two commands of the repository on made-up machines: the scripts are copied to a folder, and all that they find
/// on the PATH is what a test puts there. The false <c>dotnet</c> notes its calls in <c>log</c>.
/// </summary>
public sealed class ScriptTests : IDisposable
{
    private const string Dotnet = """
        #!/bin/bash
        echo "dotnet $*" >>"$SANDBOX/log"
        case $1 in
          --list-sdks) echo "${SDK:-10.0.100} [/sdk]" ;;
          build) [ ! -e "$SANDBOX/broken" ] || { echo "error CS1002: ; expected"; exit 1; }
                 mkdir -p src/Cli/bin/Release/net10.0 src/Cli/obj && touch src/Cli/bin/Release/net10.0/handwritten.dll src/Cli/obj/made ;;
          format) [ ! -e "$SANDBOX/unformatted" ] ;;
          test) all=$* && trx=${all#*LogFileName=} && trx=${trx%%.trx*}.trx && counters=$SANDBOX/$2.counters
                [ ! -e "$counters" ] || echo "<TestRun><ResultSummary outcome=\"x\"><Counters $(<"$counters") /></ResultSummary></TestRun>" >"$trx"
                [ ! -e "$SANDBOX/$2.crashes" ] ;;
          *) printf '<%s>' "${@:2}"; echo " in $PWD reads $(cat)"; exit 7 ;;
        esac
        """;

    private const string Installer = """
        mkdir -p "$4" && cp "$SANDBOX/sdk" "$4/dotnet" && echo "installer $*" >>"$SANDBOX/log"
        """;

    private static readonly string[] Basics =
        ["bash", "cat", "chmod", "cksum", "cp", "dirname", "find", "flock", "grep", "mkdir", "mktemp", "mv", "readlink", "rm", "sed", "touch"];

    private readonly Sandbox _sandbox = new();

    public ScriptTests()
    {
        foreach (string script in new[] { "handwritten", "test", "tools/dotnet.sh" })
        {
            string copy = _sandbox.Write(script, File.ReadAllText(Path.Combine(TestData.Repository, script)), executable: true);
            Assert.True(File.Exists(copy));
        }

        _sandbox.Write("src/Cli/Cli.csproj", "<Project />");
        _sandbox.Write("src/Cli/Program.cs", "return 0;");
        _sandbox.Write("Directory.Build.props", "<Project />");
        _sandbox.Write("global.json", "{}");
        _sandbox.Write("sdk", Dotnet, executable: true);
        _sandbox.Write("artifacts/cuda-toolkit-12/ptxas", "", executable: true);
        _sandbox.Write("artifacts/openai-node/node_modules/openai/package.json", "{}");
        Command("id", "echo 1000");
        Command("ldconfig", "echo libssl.so.3 libstdc++.so.6 libopenblas.so.0");
        Command("ffmpeg", "");
        Command("npm", "");
        Command("chromium", "");
        foreach (string name in Basics.Where(_ => OperatingSystem.IsLinux()))
        {
            string real = new[] { "/usr/bin", "/bin" }.Select(folder => Path.Combine(folder, name)).First(File.Exists);
            File.CreateSymbolicLink(_sandbox["path", name], real);
        }
    }

    public void Dispose() => _sandbox.Dispose();

    [LinuxFact]
    public void Builds_once_and_again_only_when_a_source_changed()
    {
        Command("dotnet", Dotnet);
        Run("handwritten");
        Run("handwritten");
        Assert.Equal(1, Logged("dotnet build"));

        _sandbox.Write("src/Cli/Program.cs", "return 1;");
        Run("handwritten");
        Run("handwritten");
        Assert.Equal(2, Logged("dotnet build"));

        File.Move(_sandbox["src/Cli/Program.cs"], _sandbox["src/Cli/Main.cs"]);
        Run("handwritten");
        Assert.Equal(3, Logged("dotnet build"));

        File.Delete(_sandbox["src/Cli/bin/Release/net10.0/handwritten.dll"]);
        Run("handwritten");
        Assert.Equal(4, Logged("dotnet build"));
    }

    [LinuxFact]
    public void Passes_arguments_input_folder_and_exit_code_through()
    {
        Command("dotnet", Dotnet);
        string elsewhere = Directory.CreateDirectory(_sandbox["some where"]).FullName;
        File.CreateSymbolicLink(_sandbox["some where/link"], _sandbox["handwritten"]);
        Outcome outcome = _sandbox.Run(_sandbox["some where/link"], ["two words", "", "*"], "the input", elsewhere, Environment());
        Assert.Equal((7, $"<two words><><*> in {elsewhere} reads the input\n", ""), (outcome.ExitCode, outcome.Output, outcome.Error));
    }

    [LinuxFact]
    public void First_starts_at_the_same_time_build_once()
    {
        Command("dotnet", Dotnet.Replace("build)", "build) sleep 0.3;", StringComparison.Ordinal));
        File.CreateSymbolicLink(_sandbox["path", "sleep"], "/bin/sleep");
        Outcome[] outcomes = [.. Enumerable.Range(0, 4).AsParallel().WithDegreeOfParallelism(4).Select(_ => Run("handwritten"))];
        Assert.All(outcomes, outcome => Assert.Equal(7, outcome.ExitCode));
        Assert.Equal(1, Logged("dotnet build"));
    }

    [LinuxFact]
    public void A_build_that_fails_is_shown_and_tried_again()
    {
        Command("dotnet", Dotnet);
        _sandbox.Write("broken", "");
        Outcome outcome = Run("handwritten");
        Assert.Equal(1, outcome.ExitCode);
        Assert.Empty(outcome.Output);
        Assert.Equal(["error CS1002: ; expected", "handwritten: The build failed, see above."], outcome.ErrorLines);

        File.Delete(_sandbox["broken"]);
        Assert.Equal(7, Run("handwritten").ExitCode);
    }

    [LinuxTheory]
    [InlineData("curl", null)]
    [InlineData("wget", null)]
    [InlineData("curl", "8.0.400")]
    [InlineData("curl", "9.0.100")]
    [InlineData("curl", "10.0.100-rc.1.25451.107")]
    public void Installs_the_sdk_where_there_is_none(string downloader, string? otherSdk)
    {
        Command(downloader, $"echo \"{downloader} ${{*: -1}}\" >>\"$SANDBOX/log\"; cat <<'END'\n{Installer}\nEND");
        if (otherSdk is not null)
        {
            Command("dotnet", $"echo '{otherSdk} [/sdk]'");
        }

        for (int time = 0; time < 2; time++)
        {
            Outcome outcome = Run("handwritten", "-h");
            Assert.Equal((7, "<-h> "), (outcome.ExitCode, outcome.Output[..5]));
        }

        Assert.Equal(1, Logged($"{downloader} https://dot.net/v1/dotnet-install.sh"));
        Assert.Equal(1, Logged($"installer --channel 10.0 --install-dir {_sandbox[".dotnet"]}"));
    }

    [LinuxTheory]
    [InlineData("curl", "exit 6")] // no network
    [InlineData("curl", "true")] // an empty answer
    [InlineData("curl", "echo 'exit 1'")] // the installer fails
    [InlineData("curl", "echo 'echo junk >\"$4/dotnet\"'")] // it leaves something else
    [InlineData("wget", "exit 4")]
    public void Says_when_the_sdk_cannot_be_downloaded_and_leaves_no_half_of_it(string downloader, string does)
    {
        Command(downloader, does);
        Outcome outcome = Run("handwritten");
        Assert.Equal((1, ""), (outcome.ExitCode, outcome.Output));
        Assert.Equal("handwritten: The .NET 10 SDK could not be downloaded from https://dot.net/v1/dotnet-install.sh: check the network, "
            + "or install the .NET 10 SDK from https://dotnet.microsoft.com/download.", outcome.ErrorLines[^1]);
        Assert.False(Directory.Exists(_sandbox[".dotnet"]));
    }

    [LinuxFact]
    public void Says_when_nothing_can_download()
    {
        Outcome outcome = Run("handwritten");
        Assert.Equal(1, outcome.ExitCode);
        Assert.Equal("handwritten: There is neither a .NET 10 SDK nor curl or wget to download it: install one of these, "
            + "or install the .NET 10 SDK from https://dotnet.microsoft.com/download.\n", outcome.Error);
    }

    [LinuxFact]
    public void Root_on_a_bare_debian_gets_the_packages_others_are_told_them()
    {
        Command("ldconfig", "echo nothing");
        Command("apt-get", "echo \"apt-get $*\" >>\"$SANDBOX/log\"");
        Outcome outcome = Run("handwritten");
        Assert.Equal(1, outcome.ExitCode);
        Assert.StartsWith("handwritten: The .NET SDK needs packages that are not installed: run 'sudo apt-get install curl openssl libstdc++6", outcome.Error,
            StringComparison.Ordinal);

        Command("id", "echo 0");
        Run("handwritten");
        Assert.Equal(1, Logged("apt-get -qq update"));
        Assert.Equal(1, Logged("apt-get -qq -y --no-install-recommends install curl openssl libstdc++6"));
    }

    [LinuxFact]
    public void The_tests_of_all_projects_are_added_up_and_the_slow_ones_left_out()
    {
        Command("dotnet", Dotnet);
        Project("A.Tests", total: 12, executed: 10, passed: 10);
        Project("B.Tests", total: 5, executed: 5, passed: 5);
        Outcome outcome = Run("test");
        Assert.Equal((0, "15 passed, 0 failed, 2 skipped"), (outcome.ExitCode, outcome.OutputLines[^1]));
        Assert.Equal(1, Logged("dotnet test tests/A.Tests -c Release --no-build --nologo --filter Speed!=Slow --logger"));
    }

    [LinuxFact]
    public void Slow_tests_and_arguments_of_dotnet_test_are_the_callers_choice()
    {
        Command("dotnet", Dotnet);
        Project("A.Tests", total: 1, executed: 1, passed: 1);
        Assert.Equal(0, Run("test", "--slow", "--blame").ExitCode);
        Assert.Equal(1, Logged("dotnet test tests/A.Tests -c Release --no-build --nologo --logger"));
        Assert.Equal(1, Logged(".trx --blame"));
        Assert.Equal(0, Run("test", "--filter", "Name~Mel").ExitCode);
        Assert.Equal(1, Logged("--filter (Name~Mel)&(Speed!=Slow) --logger"));
        Assert.Equal(0, Run("test", "--slow", "--filter=Name~Mel").ExitCode);
        Assert.Equal(1, Logged("--filter (Name~Mel) --logger"));
    }

    [LinuxTheory]
    [InlineData("tests/A.Tests.crashes", "10 passed, 0 failed, 0 skipped", "tests/A.Tests failed.")]
    [InlineData("unformatted", "10 passed, 0 failed, 0 skipped", "Some files are not formatted: run 'dotnet format' and keep its changes.")]
    [InlineData("broken", "0 passed, 0 failed, 0 skipped", "The build failed, see above.")]
    public void Whatever_fails_the_counts_come_last(string trouble, string counts, string sentence)
    {
        Command("dotnet", Dotnet);
        Project("A.Tests", total: 10, executed: 10, passed: 10);
        _sandbox.Write(trouble, "");
        Outcome outcome = Run("test");
        Assert.Equal((1, counts), (outcome.ExitCode, outcome.OutputLines[^1]));
        Assert.Equal($"test: {sentence}", outcome.ErrorLines[^1]);
    }

    [LinuxFact]
    public void A_failed_test_fails_the_run()
    {
        Command("dotnet", Dotnet);
        Project("A.Tests", total: 10, executed: 10, passed: 8);
        Project("B.Tests", total: 3, executed: 3, passed: 3);
        Outcome outcome = Run("test");
        Assert.Equal((1, "11 passed, 2 failed, 0 skipped"), (outcome.ExitCode, outcome.OutputLines[^1]));
    }

    [LinuxFact]
    public void No_test_at_all_is_a_failure()
    {
        Command("dotnet", Dotnet);
        Project("A.Tests", total: 4, executed: 0, passed: 0);
        Outcome outcome = Run("test");
        Assert.Equal((1, "0 passed, 0 failed, 4 skipped"), (outcome.ExitCode, outcome.OutputLines[^1]));
        Assert.Equal("test: No test ran.", outcome.ErrorLines[^1]);
    }

    [LinuxFact]
    public void A_missing_ffmpeg_is_named_not_fatal()
    {
        Command("dotnet", Dotnet);
        File.Delete(_sandbox["path", "ffmpeg"]);
        Project("A.Tests", total: 1, executed: 1, passed: 1);
        Outcome outcome = Run("test");
        Assert.Equal((0, "1 passed, 0 failed, 0 skipped"), (outcome.ExitCode, outcome.OutputLines[^1]));
        Assert.Equal(["test: Tests that read compressed recordings will fail without ffmpeg: install ffmpeg (sudo apt-get install ffmpeg)."],
            outcome.ErrorLines);
    }

    private Outcome Run(string script, params string[] arguments) =>
        _sandbox.Run(_sandbox[script], arguments, environment: Environment());

    private (string Name, string? Value)[] Environment() =>
        [("PATH", _sandbox["path"]), ("SANDBOX", _sandbox.Folder), ("HOME", _sandbox.Folder), ("TMPDIR", _sandbox.Folder)];

    private void Command(string name, string body) =>
        _sandbox.Write($"path/{name}", body.StartsWith("#!", StringComparison.Ordinal) ? body : $"#!/bin/bash\n{body}\n", executable: true);

    private void Project(string name, int total, int executed, int passed)
    {
        Directory.CreateDirectory(_sandbox["tests", name]);
        _sandbox.Write($"tests/{name}.counters", $"total=\"{total}\" executed=\"{executed}\" passed=\"{passed}\" failed=\"{executed - passed}\" error=\"0\"");
    }

    private int Logged(string text) => File.ReadLines(_sandbox["log"]).Count(line => line.Contains(text, StringComparison.Ordinal));
}

/// <summary>A test of the bash scripts; Windows has scripts of its own.</summary>
public sealed class LinuxFactAttribute : FactAttribute
{
    public LinuxFactAttribute() => Skip = OperatingSystem.IsLinux() ? null : "The bash scripts are tested on Linux.";
}

/// <inheritdoc cref="LinuxFactAttribute"/>
public sealed class LinuxTheoryAttribute : TheoryAttribute
{
    public LinuxTheoryAttribute() => Skip = OperatingSystem.IsLinux() ? null : "The bash scripts are tested on Linux.";
}
