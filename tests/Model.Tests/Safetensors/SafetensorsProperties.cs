using FsCheck.Xunit;
using Handwritten.Kernels;
using Handwritten.Model.Safetensors;
using Xunit;

namespace Handwritten.Model.Tests.Safetensors;

/// <summary>
/// What holds for all files. A file either opens, and then everything in it can be read, or is refused with
/// <see cref="SafetensorsException"/>; nothing else ever happens, and <see cref="FormatOracle"/> knows which.
/// </summary>
[Properties(Arbitrary = [typeof(RandomFiles)])]
public sealed class SafetensorsProperties : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Property(MaxTest = 500)]
    public void Valid_files_open_and_hold_what_was_put_in(ValidFile valid)
    {
        using SafetensorsFile file = new(_folder.Add("valid.safetensors", valid.Bytes));
        Assert.Equal(valid.Tensors.Select(tensor => tensor.Name).Order(StringComparer.Ordinal), file.Names);
        foreach (TensorInfo expected in valid.Tensors)
        {
            using HostTensor tensor = file.Open(expected.Name);
            Assert.Equal(expected.Type, tensor.Type);
            Assert.Equal(expected.Shape, tensor.Shape);
            Assert.Equal(valid.Numbers[expected.Name], tensor.Bytes.ToArray());
        }
    }

    [Property(MaxTest = 300)]
    public void Valid_files_survive_a_round_trip_through_the_writer(ValidFile valid)
    {
        using SafetensorsFile original = new(_folder.Add("original.safetensors", valid.Bytes));
        SafetensorsWriter.Write(_folder["copy.safetensors"], valid.Tensors, original.Open, original.Metadata);
        Assert.True(FormatOracle.Accepts(File.ReadAllBytes(_folder["copy.safetensors"])));
        using SafetensorsFile copy = new(_folder["copy.safetensors"]);
        Assert.Equal(original.Names, copy.Names);
        Assert.Equal(original.Metadata, copy.Metadata);
        Assert.All(valid.Tensors, tensor => Assert.Equal(original.Hash(tensor.Name), copy.Hash(tensor.Name)));
    }

    [Property(MaxTest = 3000)]
    public void Damaged_files_are_read_in_full_or_refused(DamagedFile damaged) => ReadInFullOrRefuse(damaged.Bytes);

    [Property(MaxTest = 2000)]
    public void Files_that_claim_anything_are_read_in_full_or_refused(ClaimingFile claiming) => ReadInFullOrRefuse(claiming.Bytes);

    [Property(MaxTest = 500)]
    public void Random_bytes_are_read_in_full_or_refused(byte[] bytes, bool asHeader) =>
        ReadInFullOrRefuse(asHeader ? RawFile.Make(bytes, []) : bytes);

    [Property(MaxTest = 1000)]
    public void A_damaged_index_gives_the_same_tensors_or_is_refused(DamagedIndex damaged)
    {
        _folder.Add("1.safetensors", RawFile.Make(RawFile.Header(RawFile.Entry("a", "U8", "[1]", 0, 1), RawFile.Entry("b", "U8", "[1]", 1, 2)), 2));
        _folder.Add("2.safetensors", RawFile.Make(RawFile.Header(RawFile.Entry("c", "U8", "[1]", 0, 1)), 1));
        _folder.Add(SafetensorsFolder.IndexName, damaged.Bytes);
        try
        {
            using SafetensorsFolder folder = new(_folder.Path);
            Assert.Equal(["a", "b", "c"], folder.Names);
        }
        catch (SafetensorsException refusal)
        {
            Assert.Contains(_folder.Path, refusal.Message, StringComparison.Ordinal);
        }
    }

    private void ReadInFullOrRefuse(byte[] bytes)
    {
        string path = _folder.Add("any.safetensors", bytes);
        if (!FormatOracle.Accepts(bytes))
        {
            SafetensorsException refusal = Assert.Throws<SafetensorsException>(() => new SafetensorsFile(path));
            Assert.InRange(refusal.Message.Length, path.Length, path.Length + 500);
            return;
        }

        using SafetensorsFile file = new(path);
        long read = 0;
        foreach (string name in file.Names)
        {
            using HostTensor tensor = file.Open(name);
            Assert.Equal(file.Describe(name).ByteCount, tensor.Bytes.ToArray().Length);
            read += tensor.ByteCount;
        }

        Assert.Equal(bytes.Length - 8 - BitConverter.ToInt64(bytes), read);
    }
}
