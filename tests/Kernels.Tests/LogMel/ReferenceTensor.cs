using System.Buffers.Binary;
using System.Text.Json;
using Handwritten.Tests;
using Xunit;

namespace Handwritten.Kernels.Tests.LogMel;

/// <summary>Just enough of the safetensors format to read a float32 tensor: header length, JSON header, data.</summary>
internal static class ReferenceTensor
{
    public static float[] Read(string file, string name)
    {
        byte[] bytes = File.ReadAllBytes(TestData.Path("reference", "frontend", file));
        int headerLength = (int)BinaryPrimitives.ReadInt64LittleEndian(bytes);
        using JsonDocument header = JsonDocument.Parse(bytes.AsMemory(8, headerLength));
        JsonElement tensor = header.RootElement.GetProperty(name);
        Assert.Equal("F32", tensor.GetProperty("dtype").GetString());
        int start = tensor.GetProperty("data_offsets")[0].GetInt32();
        int end = tensor.GetProperty("data_offsets")[1].GetInt32();
        float[] values = new float[(end - start) / sizeof(float)];
        Buffer.BlockCopy(bytes, 8 + headerLength + start, values, 0, end - start);
        return values;
    }
}
