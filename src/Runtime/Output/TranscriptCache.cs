using System.Reflection;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Handwritten.Runtime.Output;

/// <summary>
/// A folder of transcripts by what they were made from: the sound, the model and the options. The same question is
/// answered from it at once, whatever the recording is called now. It only grows; any file in it may be deleted.
/// </summary>
public sealed class TranscriptCache
{
    private static readonly JsonSerializerOptions Format = new()
    {
        NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals,
        RespectNullableAnnotations = true,
        RespectRequiredConstructorParameters = true,
    };

    private readonly string _folder;

    /// <summary>A cache in a folder, which is created if missing.</summary>
    /// <exception cref="OutputException">The folder cannot be created, or takes no files.</exception>
    public TranscriptCache(string folder)
    {
        TranscriptFiles.PrepareFolder(folder);
        _folder = folder;
    }

    /// <summary>What a transcript is found by: 64 hexadecimal digits.</summary>
    /// <param name="samples">The sound, [samples].</param>
    /// <param name="model">Tells the model; see <see cref="Model.ModelFingerprint"/>.</param>
    /// <param name="options">Tells everything else that the transcript depends on, but for this program's version.</param>
    public static string Key(ReadOnlySpan<float> samples, string model, string options)
    {
        string version = typeof(TranscriptCache).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()!.InformationalVersion;
        using IncrementalHash hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        hash.AppendData(Encoding.UTF8.GetBytes($"{version}\0{model}\0{options}\0"));
        hash.AppendData(MemoryMarshal.AsBytes(samples));
        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }

    /// <summary>The transcript of that key; null if there is none, or none that can be read.</summary>
    public Transcript? Find(string key)
    {
        try
        {
            using FileStream file = File.OpenRead(PathOf(key));
            Transcript? transcript = JsonSerializer.Deserialize<Transcript>(file, Format);

            // What is missing or null has been refused, except in lists.
            return transcript is not null && transcript.Segments.All(segment => segment is not null && segment.Words?.Contains(null!) is not true) ? transcript : null;
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException or JsonException)
        {
            return null;
        }
    }

    /// <summary>Keeps a transcript.</summary>
    /// <exception cref="OutputException">It cannot be written.</exception>
    public void Keep(string key, Transcript transcript)
    {
        try
        {
            WholeFile.Write(PathOf(key), file => JsonSerializer.Serialize(file, transcript, Format));
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new OutputException($"The cache '{_folder}' takes no transcript ({exception.Message.TrimEnd('.')}); choose another folder, or make this one writable.", exception);
        }
    }

    private string PathOf(string key) => Path.Combine(_folder, $"{key}.json");
}
