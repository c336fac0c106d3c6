using System.Text.Json;

namespace Handwritten.Model.Safetensors;

/// <summary>
/// Reads <c>model.safetensors.index.json</c>: which shard holds which tensor. Shard names come from a stranger and
/// become paths here, so they must be plain names of files in the same folder.
/// </summary>
internal static class ShardIndex
{
    /// <summary>Tensor name to file name.</summary>
    /// <exception cref="SafetensorsException">
    /// The file cannot be read, is no index, or names a shard outside of its folder.
    /// </exception>
    public static Dictionary<string, string> Read(string path)
    {
        try
        {
            return Parse(ReadAll(path));
        }
        catch (InvalidDataException broken)
        {
            throw SafetensorsException.Invalid(path, broken.Message, broken);
        }
    }

    private static Dictionary<string, string> Parse(ReadOnlySpan<byte> utf8)
    {
        StrictJson json = new("the index", utf8);
        Dictionary<string, string>? shards = null;
        json.Expect(JsonTokenType.StartObject, "the index is not an object");
        while (json.NextMember(out string member))
        {
            if (member != "weight_map")
            {
                json.Skip();
            }
            else
            {
                shards = shards is null ? ReadWeightMap(ref json) : throw new InvalidDataException("the index has weight_map twice");
            }
        }

        json.ExpectEnd();
        return shards ?? throw new InvalidDataException("the index has no weight_map");
    }

    private static Dictionary<string, string> ReadWeightMap(ref StrictJson json)
    {
        const string rule = "weight_map is not an object of file names";
        Dictionary<string, string> shards = [];
        json.Expect(JsonTokenType.StartObject, rule);
        while (json.NextMember(out string tensor))
        {
            json.Expect(JsonTokenType.String, rule);
            string shard = json.Text();
            if (!IsPlainFileName(shard))
            {
                throw new InvalidDataException(
                    $"weight_map names the shard {SafetensorsException.Quote(shard)}, which is not the name of a file in the same folder");
            }

            if (!shards.TryAdd(tensor, shard))
            {
                throw new InvalidDataException($"weight_map has tensor {SafetensorsException.Quote(tensor)} twice");
            }
        }

        return shards;
    }

    /// <summary>No folders, drives, streams, parents or control characters, by the rules of all systems at once.</summary>
    private static bool IsPlainFileName(string name) =>
        name is not ("" or "." or "..") && !name.Any(c => c is '/' or '\\' or ':' || char.IsControl(c));

    private static byte[] ReadAll(string path)
    {
        try
        {
            return new FileInfo(path).Length <= SafetensorsHeader.LargestLength
                ? File.ReadAllBytes(path)
                : throw new InvalidDataException($"it is larger than {SafetensorsHeader.LargestLength} bytes");
        }
        catch (Exception cause) when (cause is IOException or UnauthorizedAccessException)
        {
            throw SafetensorsException.FromSystem(path, "read", cause);
        }
    }
}
