using System.Runtime.InteropServices;
using System.Text;
using Handwritten.Kernels;
using Handwritten.Model.Safetensors;
using Handwritten.Model.Synthetic;
using Handwritten.Tests;
using Xunit;
using static Handwritten.Model.Tests.Safetensors.RawFile;

namespace Handwritten.Model.Tests.Safetensors;

/// <summary>What is written reads back the same; what cannot be a checkpoint is not written.</summary>
public sealed class SafetensorsWriterTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void The_bytes_are_those_of_the_format()
    {
        TensorInfo[] tensors = [new("b", DType.U8, [3]), new("a \"ü\"", DType.F16, [])];
        string path = _folder["small.safetensors"];
        SafetensorsWriter.Write(path, tensors, name => Counting(tensors.Single(t => t.Name == name)), new Dictionary<string, string> { ["k"] = "v" });

        byte[] bytes = File.ReadAllBytes(path);
        int headerLength = bytes[0] + (256 * bytes[1]);
        const string header =
            """
            {"__metadata__":{"k":"v"},"b":{"dtype":"U8","shape":[3],"data_offsets":[0,3]},"a \"ü\"":{"dtype":"F16","shape":[],"data_offsets":[3,5]}}
            """;
        Assert.Equal(0, headerLength % 8);
        Assert.Equal(header, Encoding.UTF8.GetString(bytes, 8, headerLength).TrimEnd(' '));
        Assert.Equal([0, 1, 2, 0, 1], bytes[(8 + headerLength)..]);
    }

    [Fact]
    public void The_demo_model_survives_a_round_trip_sorted_and_in_its_own_order()
    {
        using SafetensorsFile original = new(TestData.Weights("whisper-nano", "model.safetensors"));
        foreach (IEnumerable<string> order in new[] { original.Names, original.Names.Reverse() })
        {
            string path = _folder["copy.safetensors"];
            SafetensorsWriter.Write(path, order.Select(original.Describe), original.Open, original.Metadata);
            using SafetensorsFile copy = new(path);
            Assert.Equal(original.Names, copy.Names);
            Assert.Equal(original.Metadata, copy.Metadata);
            Assert.All(original.Names, name => Assert.Equal(
                (original.Describe(name).ToString(), original.Hash(name)), (copy.Describe(name).ToString(), copy.Hash(name))));
        }
    }

    [Fact]
    public void A_synthetic_model_can_be_written_and_read()
    {
        WhisperDimensions dimensions = new(80, 50, 64, 2, 1, 96, 300, 20, 2, 1, 96);
        using SyntheticWeights weights = new(dimensions, DType.BF16);
        string path = _folder["model.safetensors"];
        SafetensorsWriter.Write(path, weights.Names.Select(weights.Describe), weights.Open);
        using SafetensorsFolder folder = new(_folder.Path);
        Assert.Equal(weights.Names, folder.Names);
        foreach (string name in weights.Names)
        {
            using HostTensor expected = weights.Open(name);
            using HostTensor actual = folder.Open(name);
            Assert.True(expected.Bytes.SequenceEqual(actual.Bytes));
        }
    }

    [Fact]
    public void Tensors_that_make_no_checkpoint_are_refused_and_nothing_is_left_behind()
    {
        Refuse("has tensor 'a' twice", new("a", DType.U8, [1]), new("a", DType.U8, [2]));
        Refuse("__metadata__ is not an object of texts", new TensorInfo("__metadata__", DType.U8, [1]));
        Refuse("a shape that is not a list of non-negative integers", new TensorInfo("a", DType.U8, [-1]));
        Refuse("do not make a checkpoint", new TensorInfo("a", DType.F64, [int.MaxValue, int.MaxValue, int.MaxValue]));
        Refuse("do not make a checkpoint", new TensorInfo("\ud800", DType.U8, [1]));
        Assert.Empty(Directory.GetFiles(_folder.Path));

        void Refuse(string reason, params TensorInfo[] tensors) =>
            Assert.Contains(reason, Failure(_folder["no.safetensors"], tensors, _ => throw new InvalidOperationException("never asked")).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_header_beyond_the_limit_of_the_format_is_refused()
    {
        Dictionary<string, string> metadata = new() { ["story"] = new string('x', 100_000_000) };
        SafetensorsException refusal = Assert.Throws<SafetensorsException>(
            () => SafetensorsWriter.Write(_folder["no.safetensors"], [], _ => throw new InvalidOperationException("never asked"), metadata));
        Assert.Contains("more than the 100000000 that the format allows", refusal.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_failure_on_the_way_leaves_the_old_file_and_no_new_one()
    {
        string path = _folder.Add("model.safetensors", Make("{}", 0));
        TensorInfo[] tensors = [new("a", DType.U8, [2]), new("b", DType.U8, [2])];

        Assert.Throws<ModelException>(() => SafetensorsWriter.Write(path, tensors, name => name == "a" ? Counting(tensors[0]) : throw new ModelException("no b")));
        Assert.Contains("was announced as U8 [2], but its numbers are U8 [1, 2]",
            Failure(path, tensors, name => Counting(new TensorInfo(name, DType.U8, [1, 2]))).Message, StringComparison.Ordinal);
        Assert.Contains("was announced as U8 [2], but its numbers are I8 [2]",
            Failure(path, tensors, name => Counting(new TensorInfo(name, DType.I8, [2]))).Message, StringComparison.Ordinal);

        Assert.Equal(Make("{}", 0), File.ReadAllBytes(path));
        Assert.Single(Directory.GetFiles(_folder.Path));
    }

    [Fact]
    public void What_the_system_refuses_becomes_one_sentence_with_the_path()
    {
        Directory.CreateDirectory(_folder["folder"]);
        foreach (string path in new[] { _folder["missing/model.safetensors"], _folder["folder"], "a\0b" })
        {
            Assert.Contains($"'{path}' cannot be written", Failure(path, [], _ => throw new InvalidOperationException("never asked")).Message, StringComparison.Ordinal);
        }

        Assert.Empty(Directory.GetFiles(_folder.Path));
    }

    private static SafetensorsException Failure(string path, TensorInfo[] tensors, Func<string, HostTensor> open) =>
        Assert.Throws<SafetensorsException>(() => SafetensorsWriter.Write(path, tensors, open));

    /// <summary>A tensor whose bytes are 0, 1, 2, ...</summary>
    private static unsafe HostTensor Counting(TensorInfo info)
    {
        byte* data = (byte*)NativeMemory.Alloc((nuint)info.ByteCount);
        for (int i = 0; i < info.ByteCount; i++)
        {
            data[i] = (byte)i;
        }

        return new HostTensor(info.Name, info.Type, info.Shape, data, () => NativeMemory.Free(data));
    }
}
