using System.Buffers.Binary;
using System.Text;
using System.Text.Json;

namespace Handwritten.Model.Tests.Safetensors;

/// <summary>
/// The rules of the format once more, in the most different way: over a document tree, with big numbers, without
/// messages. Reader and oracle must agree on every file that the property tests come up with.
/// </summary>
internal static class FormatOracle
{
    private static int SizeOf(string type) => type switch
    {
        "F64" or "I64" => 8,
        "F32" or "I32" => 4,
        "F16" or "BF16" or "I16" => 2,
        "I8" or "U8" or "BOOL" => 1,
        _ => throw new FormatException(type),
    };

    public static bool Accepts(byte[] file)
    {
        if (file.Length < 8)
        {
            return false;
        }

        ulong headerLength = BinaryPrimitives.ReadUInt64LittleEndian(file);
        if (headerLength > 100_000_000 || headerLength > (ulong)file.Length - 8)
        {
            return false;
        }

        try
        {
            string header = new UTF8Encoding(false, throwOnInvalidBytes: true).GetString(file, 8, (int)headerLength);
            using JsonDocument json = JsonDocument.Parse(header, new JsonDocumentOptions { AllowDuplicateProperties = false });
            return header.StartsWith('{') && IsValid(json.RootElement, file.Length - 8 - (int)headerLength);
        }
        catch (Exception broken) when (broken is JsonException or DecoderFallbackException or InvalidOperationException or KeyNotFoundException
            or FormatException or IndexOutOfRangeException)
        {
            return false;
        }
    }

    private static bool IsValid(JsonElement header, int dataLength)
    {
        List<(Int128 Begin, Int128 End)> ranges = [];
        foreach (JsonProperty entry in header.EnumerateObject())
        {
            if (entry.Name == "__metadata__")
            {
                if (!entry.Value.EnumerateObject().All(text => text.Name is not null && text.Value.ValueKind == JsonValueKind.String && text.Value.GetString() is not null))
                {
                    return false;
                }

                continue;
            }

            JsonElement offsets = entry.Value.GetProperty("data_offsets");
            (Int128 begin, Int128 end) = (offsets[0].GetUInt64(), offsets[1].GetUInt64());
            bool isLarge = false;
            Int128 bytes = SizeOf(entry.Value.GetProperty("dtype").GetString()!);
            foreach (JsonElement dimension in entry.Value.GetProperty("shape").EnumerateArray())
            {
                bytes *= dimension.GetUInt64();
                isLarge |= dimension.GetUInt64() > int.MaxValue || bytes > long.MaxValue;
                bytes = isLarge ? 1 : bytes;
            }

            if (entry.Value.EnumerateObject().Count() != 3 || offsets.GetArrayLength() != 2 || isLarge || bytes != end - begin)
            {
                return false;
            }

            ranges.Add((begin, end));
        }

        Int128 covered = 0;
        foreach ((Int128 begin, Int128 end) in ranges.Order())
        {
            if (begin != covered || end < begin)
            {
                return false;
            }

            covered = end;
        }

        return covered == dataLength;
    }
}
