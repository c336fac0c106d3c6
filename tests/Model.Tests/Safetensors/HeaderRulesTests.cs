using Handwritten.Kernels;
using Handwritten.Model.Safetensors;
using Xunit;
using static Handwritten.Model.Tests.Safetensors.RawFile;

namespace Handwritten.Model.Tests.Safetensors;

/// <summary>Every rule of the format: what keeps to it opens, what breaks it is refused with a sentence that says so.</summary>
public sealed class HeaderRulesTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    /// <summary>Header, bytes of data, names and shapes.</summary>
    public static TheoryData<string, int, string> ValidFiles => new()
    {
        { "{}", 0, "" },
        { "{}      ", 0, "" },
        { """{"__metadata__":{}}""", 0, "" },
        { Header("""
            "__metadata__":{"format":"pt"}
            """, Entry("a", "F32", "[2,3]", 0, 24)), 24, "a: F32 [2, 3]" },
        { Header(Entry("scalar", "F64", "[]", 0, 8)), 8, "scalar: F64 []" },
        { Header(Entry("empty", "I64", "[3,0,5]", 0, 0)), 0, "empty: I64 [3, 0, 5]" },
        { Header(Entry("b", "U8", "[3]", 2, 5), Entry("a", "F16", "[1]", 0, 2)), 5, "a: F16 [1]; b: U8 [3]" },
        { Header(Entry("e", "U8", "[0]", 2, 2), Entry("a", "BF16", "[1]", 0, 2), Entry("b", "I8", "[1]", 2, 3)), 3, "a: BF16 [1]; b: I8 [1]; e: U8 [0]" },
        { """{ "a" : { "data_offsets" : [ 0 , 2 ] , "shape" : [ 2 ] , "dtype" : "BOOL" } }""", 2, "a: BOOL [2]" },
        { Header(Entry("""\u0061\n\"\\\/\ud83d\ude00é""", "I16", "[1,1]", 0, 2)), 2, "a\n\"\\/😀é: I16 [1, 1]" },
        { Header(Entry("", "I32", "[1]", 0, 4)), 4, ": I32 [1]" },
    };

    [Theory]
    [MemberData(nameof(ValidFiles))]
    public void Valid_files_open(string header, int dataLength, string tensors)
    {
        using SafetensorsFile file = new(_folder.Add("valid.safetensors", Make(header, dataLength)));
        Assert.Equal(tensors, string.Join("; ", file.Names.Select(name => $"{name}: {file.Describe(name)}")));
        Assert.Equal(dataLength, file.Names.Sum(name => file.Describe(name).ByteCount));
    }

    private static readonly string OneByte = Entry("a", "U8", "[1]", 0, 1);

    private static string A(string dtype, string shape, string offsets) =>
        Header($"\"a\":{{\"dtype\":{dtype},\"shape\":{shape},\"data_offsets\":{offsets}}}");

    /// <summary>Header, bytes of data, what the message must say.</summary>
    public static TheoryData<string, int, string> BrokenFiles => new()
    {
        // JSON.
        { "", 0, "does not start with '{'" },
        { " {}", 0, "does not start with '{'" },
        { "[]", 0, "does not start with '{'" },
        { "\uFEFF{}", 0, "does not start with '{'" },
        { "{", 0, "not valid JSON after byte 1" },
        { "{}}", 0, "not valid JSON" },
        { "{}{}", 0, "not valid JSON" },
        { "{}\0", 0, "not valid JSON" },
        { "{" + OneByte + ",}", 1, "not valid JSON" },
        { "{/* hm */" + OneByte + "}", 1, "not valid JSON" },
        { """{'a':{}}""", 0, "not valid JSON" },
        { """{"\ud800":{}}""", 0, "half a surrogate pair" },
        { """{"a":{"dtype":"\udc00"}}""", 0, "half a surrogate pair" },

        // Names and members.
        { Header(OneByte, OneByte), 1, "has tensor 'a' twice" },
        { Header(OneByte, Entry("""\u0061""", "U8", "[1]", 0, 1)), 1, "has tensor 'a' twice" },
        { """{"a":{"dtype":"U8","dtype":"U8","shape":[1],"data_offsets":[0,1]}}""", 1, "tensor 'a' has dtype twice" },
        { """{"a":{"dtype":"U8","shape":[1],"shape":[1],"data_offsets":[0,1]}}""", 1, "tensor 'a' has shape twice" },
        { """{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1],"data_offsets":[0,1]}}""", 1, "tensor 'a' has data_offsets twice" },
        { """{"a":{"shape":[1],"data_offsets":[0,1]}}""", 1, "tensor 'a' has no dtype" },
        { """{"a":{"dtype":"U8","data_offsets":[0,1]}}""", 1, "tensor 'a' has no shape" },
        { """{"a":{"dtype":"U8","shape":[1]}}""", 1, "tensor 'a' has no data_offsets" },
        { """{"a":{}}""", 0, "tensor 'a' has no dtype" },
        { """{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1],"strides":[1]}}""", 1, "tensor 'a' has a member 'strides'" },
        { """{"a":1}""", 0, "tensor 'a' is not described by an object" },
        { """{"a":null}""", 0, "tensor 'a' is not described by an object" },

        // Metadata.
        { """{"__metadata__":{},"__metadata__":{}}""", 0, "__metadata__ twice" },
        { """{"__metadata__":{"a":"b","a":"c"}}""", 0, "__metadata__ has 'a' twice" },
        { """{"__metadata__":{"a":1}}""", 0, "__metadata__ is not an object of texts" },
        { """{"__metadata__":{"a":{"b":"c"}}}""", 0, "__metadata__ is not an object of texts" },
        { """{"__metadata__":["a"]}""", 0, "__metadata__ is not an object of texts" },
        { """{"__metadata__":null}""", 0, "__metadata__ is not an object of texts" },

        // Types: what the format has beyond ours, and what it has not.
        { A("\"F8_E4M3\"", "[1]", "[0,1]"), 1, "tensor 'a' has dtype 'F8_E4M3', which is not supported" },
        { A("\"U16\"", "[1]", "[0,2]"), 2, "tensor 'a' has dtype 'U16', which is not supported" },
        { A("\"C64\"", "[1]", "[0,8]"), 8, "tensor 'a' has dtype 'C64', which is not supported" },
        { A("\"f32\"", "[1]", "[0,4]"), 4, "tensor 'a' has dtype 'f32', which is not supported" },
        { A("\"Bool\"", "[1]", "[0,1]"), 1, "tensor 'a' has dtype 'Bool', which is not supported" },
        { A("\"1\"", "[1]", "[0,4]"), 4, "tensor 'a' has dtype '1', which is not supported" },
        { A("1", "[1]", "[0,1]"), 1, "tensor 'a' has a dtype that is not a text" },

        // Shapes.
        { A("\"U8\"", "1", "[0,1]"), 1, "tensor 'a' has a shape that is not a list of non-negative integers" },
        { A("\"U8\"", "[-1]", "[0,1]"), 1, "tensor 'a' has a shape that is not a list of non-negative integers" },
        { A("\"U8\"", "[-0]", "[0,0]"), 0, "tensor 'a' has a shape that is not a list of non-negative integers" },
        { A("\"U8\"", "[1.0]", "[0,1]"), 1, "tensor 'a' has a shape that is not a list of non-negative integers" },
        { A("\"U8\"", "[1e0]", "[0,1]"), 1, "tensor 'a' has a shape that is not a list of non-negative integers" },
        { A("\"U8\"", "[\"1\"]", "[0,1]"), 1, "tensor 'a' has a shape that is not a list of non-negative integers" },
        { A("\"U8\"", "[[1]]", "[0,1]"), 1, "tensor 'a' has a shape that is not a list of non-negative integers" },
        { A("\"U8\"", "[18446744073709551616]", "[0,0]"), 0, "tensor 'a' has a shape that is not a list of non-negative integers" },
        { A("\"U8\"", "[2147483648]", "[0,1]"), 1, "tensor 'a' has a shape too large" },
        { A("\"U8\"", "[65536,65536,65536,65536]", "[0,0]"), 0, "tensor 'a' has a shape too large" },
        { A("\"F64\"", "[2147483647,2147483647]", "[0,0]"), 0, "tensor 'a' has a shape too large" },
        { A("\"F32\"", "[2147483647,2147483647,2147483647,0]", "[0,0]"), 0, "tensor 'a' has a shape too large" },

        // Offsets.
        { A("\"U8\"", "[1]", "0"), 1, "tensor 'a' has data_offsets that are not a list of non-negative integers" },
        { A("\"U8\"", "[1]", "[-1,0]"), 1, "tensor 'a' has data_offsets that are not a list of non-negative integers" },
        { A("\"U8\"", "[1]", "[0]"), 1, "tensor 'a' has data_offsets that are not a begin and an end" },
        { A("\"U8\"", "[1]", "[0,1,2]"), 1, "tensor 'a' has data_offsets that are not a begin and an end" },
        { A("\"U8\"", "[1]", "[1,0]"), 1, "tensor 'a' has data_offsets that are not a begin and an end" },
        { A("\"U8\"", "[2]", "[0,2]"), 1, "within the 1 bytes of data" },
        { A("\"U8\"", "[1]", "[9223372036854775807,9223372036854775807]"), 1, "within the 1 bytes of data" },
        { A("\"F16\"", "[2,3]", "[0,11]"), 11, "tensor 'a' is F16 [2, 3] and needs 12 bytes, but its data_offsets hold 11" },
        { A("\"U8\"", "[0]", "[0,1]"), 1, "tensor 'a' is U8 [0] and needs 0 bytes, but its data_offsets hold 1" },

        // Tiling.
        { "{}", 1, "the last 1 bytes of data belong to no tensor" },
        { Header(OneByte), 4, "the last 3 bytes of data belong to no tensor" },
        { Header(Entry("a", "U8", "[1]", 2, 3)), 3, "the 2 bytes of data before tensor 'a' belong to no tensor" },
        { Header(OneByte, Entry("b", "U8", "[1]", 2, 3)), 3, "the 1 bytes of data before tensor 'b' belong to no tensor" },
        { Header(OneByte, Entry("b", "U8", "[1]", 0, 1)), 1, "overlaps the tensor before it by 1 bytes" },
        { Header(Entry("a", "U8", "[4]", 0, 4), Entry("b", "U8", "[3]", 2, 5)), 5, "tensor 'b' overlaps the tensor before it by 2 bytes" },
        { Header(Entry("a", "U8", "[4]", 0, 4), Entry("b", "U8", "[0]", 2, 2)), 4, "overlaps the tensor before it" },
    };

    [Theory]
    [MemberData(nameof(BrokenFiles))]
    public void Broken_files_are_refused_and_the_message_names_the_rule(string header, int dataLength, string rule) =>
        Refuse(Make(header, dataLength), rule);

    [Fact]
    public void Every_supported_type_is_found_by_its_name()
    {
        foreach (DType type in Enum.GetValues<DType>())
        {
            string name = type == DType.Bool ? "BOOL" : type.ToString();
            int size = type.ByteSize();
            using SafetensorsFile file = new(_folder.Add("type.safetensors", Make(Header(Entry("a", name, "[2]", 0, 2 * size)), 2 * size)));
            Assert.Equal(type, file.Describe("a").Type);
        }
    }

    [Fact]
    public void Files_without_room_for_a_header_are_refused()
    {
        Refuse([], "it is empty");
        Refuse([1, 2, 3, 4, 5, 6, 7], "it has only 7 bytes");
        Refuse(Length(0), "does not start with '{'");
        Refuse(Length(1), "claims 1 bytes, but only 0 follow");
        Refuse([.. Length(3), .. "{}"u8], "claims 3 bytes, but only 2 follow");
        Refuse([.. Length(100_000_000), .. "{}"u8], "claims 100000000 bytes, but only 2 follow");
        Refuse([.. Length(100_000_001), .. "{}"u8], "more than the 100000000 that the format allows");
        Refuse([.. Length(ulong.MaxValue), .. "{}"u8], "more than the 100000000 that the format allows");
    }

    [Theory]
    [InlineData(new byte[] { 0xFF })]
    [InlineData(new byte[] { 0xC3 })]
    [InlineData(new byte[] { 0xC0, 0x80 })]
    [InlineData(new byte[] { 0xED, 0xA0, 0x80 })]
    public void Names_must_be_UTF_8(byte[] name) =>
        Refuse(Make([.. "{\""u8, .. name, .. "\":{\"dtype\":\"U8\",\"shape\":[0],\"data_offsets\":[0,0]}}"u8], []), "the header is not valid UTF-8");

    [Fact]
    public void Depth_is_bounded()
    {
        const int depth = 1_000_000;
        Refuse(Make(new string('[', depth).Insert(0, "{\"a\":"), 0), "tensor 'a' is not described by an object");
        Refuse(Make($"{{\"a\":{{\"dtype\":\"U8\",\"shape\":{new string('[', depth)}", 0), "tensor 'a' has a shape");
    }

    [Fact]
    public void Messages_stay_short_and_printable_whatever_a_name_holds()
    {
        string name = "\\u001b[31m\\n" + new string('x', 100_000);
        SafetensorsException refusal = Refuse(Make(Header(Entry(name, "U8", "[2]", 0, 1)), 1), "needs 2 bytes");
        Assert.InRange(refusal.Message.Length, 1, 600);
        Assert.DoesNotContain(refusal.Message, char.IsControl);
    }

    private SafetensorsException Refuse(byte[] bytes, string rule)
    {
        string path = _folder.Add("broken.safetensors", bytes);
        SafetensorsException refusal = Assert.Throws<SafetensorsException>(() => new SafetensorsFile(path));
        Assert.Contains(rule, refusal.Message, StringComparison.Ordinal);
        Assert.Contains(path, refusal.Message, StringComparison.Ordinal);
        return refusal;
    }
}
