using System.Buffers.Binary;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using Handwritten.Kernels;

namespace Handwritten.Model.Safetensors;

/// <summary>
/// Writes safetensors files. The header comes first, so types and shapes must be known before the first number; the
/// numbers are then asked for one tensor at a time, so that a checkpoint larger than the memory can be written. The
/// file grows under another name in the same folder and gets its own only when it is complete: nobody ever sees half a
/// checkpoint, and a failure leaves what was there before.
/// </summary>
public static class SafetensorsWriter
{
    private const int Alignment = 8;

    /// <summary>Refuses text that has no UTF-8 form (half a surrogate pair) instead of changing it.</summary>
    private static readonly UTF8Encoding StrictUtf8 = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    private static readonly JsonWriterOptions JsonOptions = new()
    {
        // Names stay readable; what JSON itself demands is still escaped.
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    /// <summary>Writes a file, replacing one that exists.</summary>
    /// <param name="path">Where to.</param>
    /// <param name="tensors">The tensors in the order in which they are to lie in the file.</param>
    /// <param name="open">Gives a tensor's numbers; it is disposed when they are written.</param>
    /// <param name="metadata">Free texts for the header.</param>
    /// <exception cref="SafetensorsException">
    /// The tensors do not make a valid file (a name twice, a shape too large), an opened tensor is not what was
    /// announced, or the file cannot be written.
    /// </exception>
    public static void Write(
        string path, IEnumerable<TensorInfo> tensors, Func<string, HostTensor> open, IReadOnlyDictionary<string, string>? metadata = null)
    {
        IReadOnlyList<TensorInfo> infos = [.. tensors];
        byte[] header;
        try
        {
            header = MakeHeader(infos, metadata ?? new Dictionary<string, string>());
        }
        catch (Exception cause) when (cause is InvalidDataException or OverflowException or ArgumentException)
        {
            throw new SafetensorsException($"The tensors for '{path}' do not make a checkpoint: {cause.Message.TrimEnd('.')}.", cause);
        }

        string temporary = $"{path}.{Guid.NewGuid():N}.tmp";
        try
        {
            FileStream file = new(temporary, FileMode.CreateNew, FileAccess.Write, FileShare.Delete, bufferSize: 0);
            try
            {
                using (file)
                {
                    WriteAll(file, path, header, infos, open);
                }

                File.Move(temporary, path, overwrite: true);
            }
            catch
            {
                File.Delete(temporary);
                throw;
            }
        }
        catch (Exception cause) when (cause is IOException or UnauthorizedAccessException or ArgumentException)
        {
            throw SafetensorsException.FromSystem(path, "written", cause);
        }
    }

    /// <summary>
    /// Describes the tensors laid end to end. The result is read back before it is used: the writer has no rules of its
    /// own, it keeps to what the reader takes.
    /// </summary>
    private static byte[] MakeHeader(IReadOnlyList<TensorInfo> tensors, IReadOnlyDictionary<string, string> metadata)
    {
        using MemoryStream header = new();
        long end = 0;
        using (Utf8JsonWriter json = new(header, JsonOptions))
        {
            json.WriteStartObject();
            if (metadata.Count > 0)
            {
                json.WriteStartObject(SafetensorsHeader.MetadataName);
                foreach ((string key, string value) in metadata)
                {
                    json.WriteString(StrictUtf8.GetBytes(key), StrictUtf8.GetBytes(value));
                }

                json.WriteEndObject();
            }

            foreach (TensorInfo tensor in tensors)
            {
                long begin = end;
                end = checked(begin + tensor.ByteCount);
                json.WriteStartObject(StrictUtf8.GetBytes(tensor.Name));
                json.WriteString("dtype", SafetensorsHeader.NameOf(tensor.Type));
                WriteIntegers(json, "shape", tensor.Shape.Select(dimension => (long)dimension));
                WriteIntegers(json, "data_offsets", [begin, end]);
                json.WriteEndObject();
            }

            json.WriteEndObject();
        }

        while (header.Length % Alignment != 0)
        {
            header.WriteByte((byte)' ');
        }

        if (header.Length > SafetensorsHeader.LargestLength)
        {
            throw new InvalidDataException($"the header takes {header.Length} bytes, more than the {SafetensorsHeader.LargestLength} that the format allows");
        }

        byte[] bytes = header.ToArray();
        SafetensorsHeader.Parse(bytes, end);
        return bytes;
    }

    private static void WriteIntegers(Utf8JsonWriter json, string name, IEnumerable<long> values)
    {
        json.WriteStartArray(name);
        foreach (long value in values)
        {
            json.WriteNumberValue(value);
        }

        json.WriteEndArray();
    }

    private static void WriteAll(
        FileStream file, string path, byte[] header, IReadOnlyList<TensorInfo> tensors, Func<string, HostTensor> open)
    {
        Span<byte> length = stackalloc byte[SafetensorsHeader.LengthBytes];
        BinaryPrimitives.WriteInt64LittleEndian(length, header.Length);
        file.Write(length);
        file.Write(header);
        foreach (TensorInfo info in tensors)
        {
            using HostTensor tensor = open(info.Name);
            if (tensor.Type != info.Type || !tensor.Shape.AsSpan().SequenceEqual(info.Shape))
            {
                TensorInfo opened = new(tensor.Name, tensor.Type, tensor.Shape);
                throw new SafetensorsException(
                    $"Tensor {SafetensorsException.Quote(info.Name)} for '{path}' was announced as {info}, but its numbers are {opened}.");
            }

            WriteNumbers(file, tensor);
        }

        file.Flush(flushToDisk: true);
    }

    private static unsafe void WriteNumbers(FileStream file, HostTensor tensor)
    {
        const int step = 1 << 24;
        for (long done = 0; done < tensor.ByteCount; done += step)
        {
            file.Write(new ReadOnlySpan<byte>(tensor.Data + done, (int)Math.Min(step, tensor.ByteCount - done)));
        }
    }
}
