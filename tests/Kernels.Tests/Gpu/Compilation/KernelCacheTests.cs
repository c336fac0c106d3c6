using System.Reflection;
using Handwritten.Kernels.Gpu.Compilation;
using Xunit;

namespace Handwritten.Kernels.Tests.Gpu.Compilation;

public sealed class KernelCacheTests : IDisposable
{
    private static readonly KernelTarget Target = KernelTarget.For(80);
    private static readonly KernelText Text = new("//\n.version 7.8\r\n.target sm_80\n\n// ü", 1234, true);

    private readonly string _folder = Directory.CreateTempSubdirectory("kernel-cache-").FullName;
    private readonly List<string> _warnings = [];

    private static KernelRequest Request(string name = nameof(Directory.Exists)) => new(typeof(Directory).GetMethod(name, [typeof(string)])!, 128, 2, 0, 0);

    private KernelText Get(KernelRequest? request = null, KernelText? text = null, string? folder = null, KernelTarget? target = null) =>
        new KernelCache(folder ?? _folder, _warnings.Add).Get(request ?? Request(), target ?? Target, () => text ?? throw new InvalidOperationException("compiled"));

    private string Entry => Assert.Single(Directory.GetFiles(_folder));

    [Fact]
    public void A_kernel_is_compiled_once_and_then_read()
    {
        Assert.Equal(Text, Get(text: Text));
        Assert.Equal(Text, Get());
        Assert.StartsWith("// Directory.Exists for sm_80 PTX 7.8\n", File.ReadAllText(Entry), StringComparison.Ordinal);
        Assert.Empty(_warnings);
    }

    [Fact]
    public void A_kernel_that_differs_in_anything_is_another_one()
    {
        KernelRequest[] requests =
        [
            Request(), Request(nameof(Directory.Delete)),
            Request() with { Threads = 64 }, Request() with { MinimumBlocks = 3 }, Request() with { MaximumRegisters = 64 },
        ];
        string[] keys = [.. requests.Select(request => request.Key(Target)), Request().Key(KernelTarget.For(90)), Request().Key(KernelTarget.For(80, 70))];
        Assert.Equal(keys.Length, keys.Distinct().Count());
        MethodInfo of(Type type) => typeof(List<>).MakeGenericType(type).GetMethod("Clear")!;
        Assert.NotEqual((Request() with { Method = of(typeof(int)) }).Key(Target), (Request() with { Method = of(typeof(long)) }).Key(Target));
        MethodInfo generic = ((Delegate)Array.Empty<int>).Method.GetGenericMethodDefinition(); // also where only an argument's argument differs
        Assert.NotEqual(
            (Request() with { Method = generic.MakeGenericMethod(typeof(List<int>)) }).Key(Target), (Request() with { Method = generic.MakeGenericMethod(typeof(List<long>)) }).Key(Target));
        Assert.Equal(Request().Key(Target), (Request() with { DynamicSharedBytes = 65536 }).Key(Target));
    }

    public static TheoryData<string, Func<byte[], byte[]>> Damages => new()
    {
        { "empty", _ => [] },
        { "cut off", bytes => bytes[..^3] },
        { "longer", bytes => [.. bytes, 32] },
        { "a bit", bytes => [.. bytes[..^5], (byte)(bytes[^5] ^ 1), .. bytes[^4..]] },
        { "zeros", bytes => new byte[bytes.Length] },
        { "the shared memory", bytes => System.Text.Encoding.UTF8.GetBytes(System.Text.Encoding.UTF8.GetString(bytes).Replace("1234", "1235", StringComparison.Ordinal)) },
    };

    [Theory]
    [MemberData(nameof(Damages))]
    public void A_damaged_entry_is_compiled_again_and_said_once(string what, Func<byte[], byte[]> damage)
    {
        Get(text: Text);
        File.WriteAllBytes(Entry, damage(File.ReadAllBytes(Entry)));
        Assert.Equal(Text, Get(text: Text));
        Assert.Contains(Entry, Assert.Single(_warnings), StringComparison.Ordinal);
        Assert.True(Get() == Text, what); // whole again
    }

    [Fact]
    public void A_folder_that_cannot_be_written_is_said_once_and_kernels_are_compiled()
    {
        string file = Path.Combine(_folder, "file");
        File.WriteAllText(file, "in the way");
        KernelCache cache = new(Path.Combine(file, "below"), _warnings.Add);
        int compiled = 0;
        for (int i = 0; i < 3; i++)
        {
            cache.Get(Request(), Target, () => Text with { SharedBytes = compiled++ });
        }

        Assert.Equal(3, compiled);
        Assert.Contains(KernelCache.Variable, Assert.Single(_warnings), StringComparison.Ordinal);
    }

    [Fact]
    public void No_folder_means_no_cache()
    {
        Assert.Equal(Text, new KernelCache(null, _warnings.Add).Get(Request(), Target, () => Text));
        Assert.Empty(Directory.GetFiles(_folder));
    }

    [Fact]
    public void Many_at_once_write_whole_entries()
    {
        Parallel.For(0, 64, i => Assert.Equal(Text, new KernelCache(_folder, _ => { }).Get(Request(), Target, () => Text)));
        Assert.Equal(Text, Get());
        Assert.Empty(_warnings);
    }

    [Fact]
    public void What_nobody_asked_for_in_a_long_time_goes()
    {
        Get(text: Text);
        string old = Entry;
        File.SetLastWriteTimeUtc(old, DateTime.UtcNow.AddDays(-100));
        Get(Request() with { Threads = 64 }, Text);
        Assert.NotEqual(old, Entry);
    }

    [Fact]
    public void What_is_asked_for_stays()
    {
        Get(text: Text);
        File.SetLastWriteTimeUtc(Entry, DateTime.UtcNow.AddDays(-100));
        Get();
        Assert.InRange(DateTime.UtcNow - File.GetLastWriteTimeUtc(Entry), TimeSpan.Zero, TimeSpan.FromHours(1));
    }

    [Theory]
    [InlineData("off", null)]
    [InlineData("OFF", null)]
    [InlineData("/some/where", "/some/where")]
    public void The_environment_names_the_folder(string value, string? folder)
    {
        string? before = Environment.GetEnvironmentVariable(KernelCache.Variable);
        Environment.SetEnvironmentVariable(KernelCache.Variable, value);
        try
        {
            Assert.Equal(folder, KernelCache.UsualFolder);
        }
        finally
        {
            Environment.SetEnvironmentVariable(KernelCache.Variable, before);
        }
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);
}
