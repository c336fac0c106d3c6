using System.Text.Json;
using Handwritten.Kernels;

namespace Handwritten.Model.Safetensors;

// The safetensors format (https://github.com/huggingface/safetensors), all of it:
//
//     0        8                    8 + n                                  end of file
//     ┌────────┬─────────────────────┬──────────┬─────┬───────────────────┐
//     │ n: u64 │ header: JSON, UTF-8 │ tensor b │  a  │ tensor c          │    everything little-endian,
//     └────────┴─────────────────────┴──────────┴─────┴───────────────────┘    tensors row-major
//                                    0          begin end                      offsets count from here
//
//     {"__metadata__": {"format": "pt"},
//      "a": {"dtype": "F16", "shape": [2, 3], "data_offsets": [begin, end]}, ...}    padded with spaces
//
// There is no code in such a file, nothing to unpack, and no byte that belongs to no tensor: the tensors tile the data
// section without holes and without overlap. That makes it safe to take a file from a stranger, provided that the
// reader checks the rules, so this one checks every one of them before a single number is looked at.

/// <summary>A tensor and where its bytes lie, counted from the start of the data section.</summary>
internal sealed record StoredTensor(TensorInfo Info, long Begin, long End);

/// <summary>The checked header of a safetensors file.</summary>
/// <param name="Metadata">The free texts under <c>__metadata__</c>.</param>
/// <param name="Tensors">All tensors by name.</param>
internal sealed record SafetensorsHeader(
    IReadOnlyDictionary<string, string> Metadata, IReadOnlyDictionary<string, StoredTensor> Tensors)
{
    /// <summary>Bytes of the number in front of the header.</summary>
    public const int LengthBytes = 8;

    /// <summary>The format's own limit for the header, against files that claim to be all header.</summary>
    public const long LargestLength = 100_000_000;

    /// <summary>The one member of the header that is not a tensor.</summary>
    public const string MetadataName = "__metadata__";

    private static readonly Dictionary<string, DType> TypesByName =
        Enum.GetValues<DType>().ToDictionary(NameOf);

    /// <summary>An element type's name in the format.</summary>
    public static string NameOf(DType type) => type.ToString().ToUpperInvariant();

    /// <summary>Reads and checks a header.</summary>
    /// <param name="json">The header's bytes.</param>
    /// <param name="dataLength">Bytes that follow it to the end of the file.</param>
    /// <exception cref="InvalidDataException">A rule of the format is broken; the message says which.</exception>
    public static SafetensorsHeader Parse(ReadOnlySpan<byte> json, long dataLength)
    {
        if (json.IsEmpty || json[0] != '{')
        {
            throw new InvalidDataException("the header does not start with '{'");
        }

        StrictJson header = new("the header", json);
        Dictionary<string, string>? metadata = null;
        Dictionary<string, StoredTensor> tensors = [];
        header.Read();
        while (header.NextMember(out string name))
        {
            if (name == MetadataName)
            {
                metadata = metadata is null
                    ? ReadMetadata(ref header)
                    : throw new InvalidDataException($"the header has {MetadataName} twice");
            }
            else if (!tensors.TryAdd(name, ReadTensor(ref header, name, dataLength)))
            {
                throw new InvalidDataException($"the header has tensor {SafetensorsException.Quote(name)} twice");
            }
        }

        header.ExpectEnd();
        CheckTiling(tensors.Values, dataLength);
        return new SafetensorsHeader(metadata ?? [], tensors);
    }

    private static Dictionary<string, string> ReadMetadata(ref StrictJson header)
    {
        const string rule = $"{MetadataName} is not an object of texts";
        Dictionary<string, string> metadata = [];
        header.Expect(JsonTokenType.StartObject, rule);
        while (header.NextMember(out string key))
        {
            header.Expect(JsonTokenType.String, rule);
            if (!metadata.TryAdd(key, header.Text()))
            {
                throw new InvalidDataException($"{MetadataName} has {SafetensorsException.Quote(key)} twice");
            }
        }

        return metadata;
    }

    /// <summary>Reads <c>{"dtype": "F16", "shape": [2, 3], "data_offsets": [0, 12]}</c>, members in any order.</summary>
    private static StoredTensor ReadTensor(ref StrictJson header, string name, long dataLength)
    {
        string tensor = $"tensor {SafetensorsException.Quote(name)}";
        DType? type = null;
        List<long>? shape = null;
        List<long>? offsets = null;
        header.Expect(JsonTokenType.StartObject, $"{tensor} is not described by an object");
        while (header.NextMember(out string member))
        {
            bool twice;
            switch (member)
            {
                case "dtype":
                    twice = type is not null;
                    type = ReadType(ref header, tensor);
                    break;
                case "shape":
                    twice = shape is not null;
                    shape = ReadIntegers(ref header, $"{tensor} has a shape that is not a list of non-negative integers");
                    break;
                case "data_offsets":
                    twice = offsets is not null;
                    offsets = ReadIntegers(ref header, $"{tensor} has data_offsets that are not a list of non-negative integers");
                    break;
                default:
                    throw new InvalidDataException(
                        $"{tensor} has a member {SafetensorsException.Quote(member)}, which the format does not know");
            }

            if (twice)
            {
                throw new InvalidDataException($"{tensor} has {member} twice");
            }
        }

        if (type is null || shape is null || offsets is null)
        {
            string missing = type is null ? "dtype" : shape is null ? "shape" : "data_offsets";
            throw new InvalidDataException($"{tensor} has no {missing}");
        }

        if (offsets is not [long begin, long end] || begin > end || end > dataLength)
        {
            throw new InvalidDataException(
                $"{tensor} has data_offsets that are not a begin and an end within the {dataLength} bytes of data");
        }

        TensorInfo info = new(name, type.Value, CheckShape(tensor, shape, type.Value));
        return info.ByteCount == end - begin
            ? new StoredTensor(info, begin, end)
            : throw new InvalidDataException(
                $"{tensor} is {info} and needs {info.ByteCount} bytes, but its data_offsets hold {end - begin}");
    }

    private static DType ReadType(ref StrictJson header, string tensor)
    {
        header.Expect(JsonTokenType.String, $"{tensor} has a dtype that is not a text");
        string name = header.Text();
        return TypesByName.TryGetValue(name, out DType type)
            ? type
            : throw new InvalidDataException(
                $"{tensor} has dtype {SafetensorsException.Quote(name)}, which is not supported "
                + $"(supported are {string.Join(", ", TypesByName.Keys)})");
    }

    private static List<long> ReadIntegers(ref StrictJson header, string rule)
    {
        List<long> values = [];
        header.Expect(JsonTokenType.StartArray, rule);
        while (header.Read() && header.Token != JsonTokenType.EndArray)
        {
            values.Add(header.TryInteger(out long value) ? value : throw new InvalidDataException(rule));
        }

        return values;
    }

    /// <summary>Dimensions must fit in 32 bits and the bytes of the tensor, multiplied from the left, in 63.</summary>
    private static int[] CheckShape(string tensor, List<long> shape, DType type)
    {
        long bytes = type.ByteSize();
        foreach (long dimension in shape)
        {
            if (dimension > int.MaxValue || Math.BigMul(bytes, dimension) > long.MaxValue)
            {
                throw new InvalidDataException($"{tensor} has a shape too large for any machine");
            }

            bytes *= dimension;
        }

        return [.. shape.Select(dimension => (int)dimension)];
    }

    /// <summary>Laid end to end in the order of their offsets, the tensors must give exactly the data section.</summary>
    private static void CheckTiling(IEnumerable<StoredTensor> tensors, long dataLength)
    {
        long covered = 0;
        foreach (StoredTensor tensor in tensors.OrderBy(t => t.Begin).ThenBy(t => t.End))
        {
            if (tensor.Begin != covered)
            {
                string name = SafetensorsException.Quote(tensor.Info.Name);
                throw new InvalidDataException(tensor.Begin < covered
                    ? $"tensor {name} overlaps the tensor before it by {covered - tensor.Begin} bytes"
                    : $"the {tensor.Begin - covered} bytes of data before tensor {name} belong to no tensor");
            }

            covered = tensor.End;
        }

        if (covered != dataLength)
        {
            throw new InvalidDataException($"the last {dataLength - covered} bytes of data belong to no tensor");
        }
    }
}
