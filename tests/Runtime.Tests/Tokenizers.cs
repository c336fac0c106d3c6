using Handwritten.Model.Tokenization;
using Handwritten.Tests.Tokenization;

namespace Handwritten.Runtime.Tests;

/// <summary>Tokenizers by the names that the reference data gives them.</summary>
internal static class Tokenizers
{
    /// <summary>"english" or "multilingual".</summary>
    public static WhisperTokenizer Named(string name) => TokenizerFolders.Get(name == "multilingual" ? "multilingual_99" : name);

    /// <summary>By the size of the vocabulary.</summary>
    public static WhisperTokenizer ForVocabulary(int size) =>
        TokenizerFolders.Get(size switch { 51864 => "english", 51865 => "multilingual_99", _ => "multilingual_100" });
}
