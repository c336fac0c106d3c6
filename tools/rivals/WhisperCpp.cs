using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Handwritten.Rivals;

/// <summary>A model in whisper.cpp, part by part, through its C interface (include/whisper.h): one window, one text.</summary>
internal sealed unsafe class WhisperCpp : IDisposable
{
    private readonly delegate* unmanaged<nint, float*, int, int, int> _logMel;
    private readonly delegate* unmanaged<nint, int, int, int> _encode;
    private readonly delegate* unmanaged<nint, int*, int, int, int, int> _decode;
    private readonly delegate* unmanaged<nint, float*> _logits;
    private readonly delegate* unmanaged<nint, void> _free;
    private readonly nint _context;
    private readonly int _threads, _vocabulary;
    private int _lastRow;

    /// <summary>Loads a model.</summary>
    /// <param name="library">The library's file; the parts of it that lie beside it are loaded before.</param>
    /// <param name="model">The model's file.</param>
    /// <param name="vocabulary">Its tokens.</param>
    /// <param name="threads">Threads for everything.</param>
    /// <exception cref="DllNotFoundException">The library does not load.</exception>
    /// <exception cref="InvalidDataException">It does not take the model.</exception>
    public WhisperCpp(string library, string model, int vocabulary, int threads)
    {
        (_threads, _vocabulary) = (threads, vocabulary);
        string folder = Path.GetDirectoryName(Path.GetFullPath(library))!;
        foreach (string part in (string[])["libggml-base*.so", "libggml-cpu*.so", "libggml*.so"])
        {
            Array.ForEach(Directory.GetFiles(folder, part), file => NativeLibrary.Load(file));
        }

        nint loaded = NativeLibrary.Load(library);
        ((delegate* unmanaged<delegate* unmanaged[Cdecl]<int, byte*, void*, void>, void*, void>)NativeLibrary.GetExport(loaded, "whisper_log_set"))(&Ignore, null);
        _logMel = (delegate* unmanaged<nint, float*, int, int, int>)NativeLibrary.GetExport(loaded, "whisper_pcm_to_mel");
        _encode = (delegate* unmanaged<nint, int, int, int>)NativeLibrary.GetExport(loaded, "whisper_encode");
        _decode = (delegate* unmanaged<nint, int*, int, int, int, int>)NativeLibrary.GetExport(loaded, "whisper_decode");
        _logits = (delegate* unmanaged<nint, float*>)NativeLibrary.GetExport(loaded, "whisper_get_logits");
        _free = (delegate* unmanaged<nint, void>)NativeLibrary.GetExport(loaded, "whisper_free");
        Version = Marshal.PtrToStringUTF8(((delegate* unmanaged<nint>)NativeLibrary.GetExport(loaded, "whisper_version"))())!;

        Parameters* parameters = ((delegate* unmanaged<Parameters*>)NativeLibrary.GetExport(loaded, "whisper_context_default_params_by_ref"))();
        nint path = Marshal.StringToCoTaskMemUTF8(model);
        _context = ((delegate* unmanaged<nint, Parameters, nint>)NativeLibrary.GetExport(loaded, "whisper_init_from_file_with_params"))(path, *parameters);
        Marshal.FreeCoTaskMem(path);
        ((delegate* unmanaged<Parameters*, void>)NativeLibrary.GetExport(loaded, "whisper_free_context_params"))(parameters);
        if (_context == 0)
        {
            throw new InvalidDataException($"whisper.cpp {Version} does not take {model}.");
        }
    }

    /// <summary>The library's version.</summary>
    public string Version { get; }

    /// <summary>Makes the log-mel spectrogram of samples.</summary>
    public void LogMel(ReadOnlySpan<float> samples)
    {
        fixed (float* first = samples)
        {
            Require(_logMel(_context, first, samples.Length, _threads));
        }
    }

    /// <summary>Hears the spectrogram's first window: the encoder, and its projection to keys and values of the cross-attention.</summary>
    public void Listen() => Require(_encode(_context, 0, _threads));

    /// <summary>Runs tokens behind those of the earlier positions.</summary>
    /// <param name="tokens">The tokens.</param>
    /// <param name="position">Where the first stands.</param>
    public void Decode(ReadOnlySpan<int> tokens, int position)
    {
        fixed (int* first = tokens)
        {
            Require(_decode(_context, first, tokens.Length, position, _threads));
        }

        _lastRow = tokens.Length - 1;
    }

    /// <summary>The logits behind the last of the tokens; valid until the next ones.</summary>
    public ReadOnlySpan<float> Logits => new(_logits(_context) + ((long)_lastRow * _vocabulary), _vocabulary);

    public void Dispose() => _free(_context);

    private static void Require(int status)
    {
        if (status != 0)
        {
            throw new InvalidOperationException($"whisper.cpp failed with status {status}.");
        }
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static void Ignore(int level, byte* line, void* data)
    {
    }

    /// <summary>whisper_context_params, which is passed by value and used as the library fills it.</summary>
    [StructLayout(LayoutKind.Sequential)]
    private readonly struct Parameters
    {
        private readonly byte _useGpu, _flashAttention;
        private readonly int _device;
        private readonly byte _alignsTokens;
        private readonly int _alignmentPreset, _alignmentLayers;
        private readonly nuint _alignmentHeadCount;
        private readonly nint _alignmentHeads;
        private readonly nuint _alignmentMemory;
    }
}
