namespace Handwritten.Model;

/// <summary>What the decoder is asked for.</summary>
public enum WhisperTask
{
    /// <summary>The words in the language they were spoken in.</summary>
    Transcribe,

    /// <summary>An English translation.</summary>
    Translate,
}
