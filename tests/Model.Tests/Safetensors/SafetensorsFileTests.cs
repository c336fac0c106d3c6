using System.Globalization;
using System.IO.Hashing;
using System.Runtime.InteropServices;
using Handwritten.Kernels;
using Handwritten.Model.Safetensors;
using Handwritten.Tests;
using Xunit;
using static Handwritten.Model.Tests.Safetensors.RawFile;

namespace Handwritten.Model.Tests.Safetensors;

/// <summary>Opening, reading and letting go of mapped tensors; real files.</summary>
public sealed class SafetensorsFileTests : IDisposable
{
    private static readonly string Nano = TestData.Weights("whisper-nano", "model.safetensors");

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Tensors_are_views_of_the_right_bytes()
    {
        string header = Header(Entry("b", "I16", "[2]", 3, 7), Entry("a", "U8", "[3,1]", 0, 3), """
            "__metadata__":{"who":"me"}
            """);
        using SafetensorsFile file = new(_folder.Add("two.safetensors", Make(header, 7)));
        using HostTensor a = file.Open("a");
        using HostTensor b = file.Open("b");
        Assert.Equal([0, 1, 2], a.Bytes.ToArray());
        Assert.Equal([0x0403, 0x0605], MemoryMarshal.Cast<byte, short>(b.Bytes).ToArray());
        Assert.Equal(("b", DType.I16), (b.Name, b.Type));
        Assert.Equal([3, 1], a.Shape);
        Assert.Equal("me", file.Metadata["who"]);
        Assert.Equal(["a", "b"], file.Names);
        Assert.True(file.Contains("a") && !file.Contains("c"));
    }

    [Fact]
    public void A_file_is_read_through_links()
    {
        string blob = _folder.Add("blob", Make(Header(Entry("a", "U8", "[3]", 0, 3)), 3));
        string link = Path.Combine(Path.GetDirectoryName(blob)!, "link"), further = Path.Combine(Path.GetDirectoryName(blob)!, "model.safetensors");
        File.CreateSymbolicLink(link, "blob");
        File.CreateSymbolicLink(further, link);
        using SafetensorsFile file = new(further);
        using HostTensor a = file.Open("a");
        Assert.Equal([0, 1, 2], a.Bytes.ToArray());
    }

    [Fact]
    public void Unknown_tensors_are_refused()
    {
        using SafetensorsFile file = new(Nano);
        SafetensorsException refusal = Assert.Throws<SafetensorsException>(() => file.Open("model.encoder.conv3.weight"));
        Assert.Contains("has no tensor 'model.encoder.conv3.weight'", refusal.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Bytes_outlive_the_file_until_the_tensor_is_disposed()
    {
        SafetensorsFile file = new(Nano);
        ulong expected = file.Hash("model.decoder.embed_tokens.weight");
        using HostTensor tensor = file.Open("model.decoder.embed_tokens.weight");
        file.Dispose();
        Assert.Equal(expected, XxHash3.HashToUInt64(tensor.Bytes));
        Assert.Throws<ObjectDisposedException>(() => file.Open("model.decoder.embed_tokens.weight"));
    }

    [Fact]
    public void Disposing_a_tensor_lets_its_pages_go_and_reading_it_again_brings_them_back()
    {
        if (!OperatingSystem.IsLinux())
        {
            return;
        }

        const string name = "model.decoder.embed_tokens.weight";
        string copy = _folder["copy.safetensors"];
        File.Copy(Nano, copy);
        using SafetensorsFile file = new(copy);
        HostTensor first = file.Open(name);
        ulong expected = XxHash3.HashToUInt64(first.Bytes);
        Assert.InRange(ResidentKilobytes(copy), first.ByteCount / 1024, 1 << 20);
        first.Dispose();
        Assert.InRange(ResidentKilobytes(copy), 0, first.ByteCount / 1024 / 10);

        using HostTensor again = file.Open(name);
        Assert.Equal(expected, XxHash3.HashToUInt64(again.Bytes));
    }

    /// <summary>How much of a mapped file is in this process's memory, from the kernel's own account.</summary>
    private static long ResidentKilobytes(string path) => File.ReadLines("/proc/self/smaps")
        .SkipWhile(line => !line.EndsWith(path, StringComparison.Ordinal))
        .First(line => line.StartsWith("Rss:", StringComparison.Ordinal))
        .Split(' ', StringSplitOptions.RemoveEmptyEntries)
        .Skip(1).Select(kilobytes => long.Parse(kilobytes, CultureInfo.InvariantCulture)).First();

    [Fact]
    public void Hashes_are_XXH3_of_the_bytes()
    {
        byte[] bytes = File.ReadAllBytes(Nano);
        using SafetensorsFile file = new(Nano);
        Assert.Equal(XxHash3.HashToUInt64(bytes), file.Hash());
        foreach (string name in file.Names)
        {
            using HostTensor tensor = file.Open(name);
            Assert.Equal(XxHash3.HashToUInt64(tensor.Bytes), file.Hash(name));
        }

        // The published check value of XXH3 for no input at all.
        using SafetensorsFile empty = new(_folder.Add("empty.safetensors", Make(Header(Entry("a", "U8", "[0]", 0, 0)), 0)));
        Assert.Equal(0x2d06800538d394c2UL, empty.Hash("a"));
    }

    [Fact]
    public void The_demo_model_opens_and_lists_its_tensors()
    {
        using SafetensorsFile file = new(Nano);
        Assert.Equal(167, file.Names.Count);
        Assert.Equal(file.Names.Order(StringComparer.Ordinal), file.Names);
        Assert.Equal("pt", file.Metadata["format"]);
        Assert.Equal("F16 [51865, 128]", file.Describe("model.decoder.embed_tokens.weight").ToString());
        Assert.Equal("F16 [128, 80, 3]", file.Describe("model.encoder.conv1.weight").ToString());
        Assert.All(file.Names, name => Assert.Equal(DType.F16, file.Describe(name).Type));
        Assert.Equal(17_637_120, file.Names.Sum(name => file.Describe(name).ByteCount));
    }

    [Fact]
    public void The_reference_files_open_and_hold_the_numbers_they_are_known_for()
    {
        using SafetensorsFile file = new(TestData.Path("reference", "frontend", "mel_filters.safetensors"));
        Assert.Equal(["hann_window", "mel_128", "mel_80"], file.Names);
        using HostTensor window = file.Open("hann_window");
        ReadOnlySpan<float> hann = MemoryMarshal.Cast<byte, float>(window.Bytes);
        Assert.Equal((400, 0f, 1f), (hann.Length, hann[0], hann[200]));
    }

    [Fact]
    public void The_demo_model_cut_anywhere_is_refused()
    {
        string cut = _folder["cut.safetensors"];
        File.Copy(Nano, cut);
        const int dataStart = 8 + 18856;
        long length = new FileInfo(cut).Length;
        IEnumerable<long> withinHeader = Enumerable.Range(0, dataStart + 2).Where(n => n % 7 == 0 || n < 300 || n > dataStart - 300).Select(n => (long)n);
        IEnumerable<long> withinData = Enumerable.Range(0, 500).Select(i => dataStart + (i * 35_271L)).Append(length - 1).Where(n => n < length);
        foreach (long end in withinHeader.Concat(withinData).OrderDescending())
        {
            using (FileStream file = new(cut, FileMode.Open))
            {
                file.SetLength(end);
            }

            Assert.Throws<SafetensorsException>(() => new SafetensorsFile(cut));
        }
    }

    [Fact]
    public void What_the_system_refuses_becomes_one_sentence_with_the_path()
    {
        Refuse(_folder["missing.safetensors"], "does not exist");
        Refuse(_folder["no folder/model.safetensors"], "does not exist");
        Refuse(_folder.Path, "because it is a folder");
        Refuse("", "cannot be read");
        Refuse("a\0b", "cannot be read");
        if (OperatingSystem.IsLinux())
        {
            Refuse("/dev/zero", "it is empty");
            string locked = _folder.Add("locked.safetensors", Make("{}", 0));
            File.SetUnixFileMode(locked, UnixFileMode.None);
            // Root may read everything, so there the file simply opens.
            if (Environment.UserName != "root")
            {
                Refuse(locked, "access is denied");
            }
        }
    }

    private static void Refuse(string path, string reason)
    {
        SafetensorsException refusal = Assert.Throws<SafetensorsException>(() => new SafetensorsFile(path));
        Assert.Contains(reason, refusal.Message, StringComparison.Ordinal);
        Assert.Contains($"'{path}'", refusal.Message, StringComparison.Ordinal);
    }
}
