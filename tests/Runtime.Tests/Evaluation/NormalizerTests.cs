using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using FsCheck.Xunit;
using Handwritten.Runtime.Evaluation;
using Handwritten.Tests;
using Xunit;

namespace Handwritten.Runtime.Tests.Evaluation;

/// <summary>The normalisers against the original's, and Unicode's normal forms against Python's.</summary>
public class NormalizerTests
{
    private static readonly JsonElement Reference =
        JsonDocument.Parse(File.ReadAllBytes(TestData.Path("reference", "tokenizer", "normalizers.json"))).RootElement;

    [Fact]
    public void English_texts_come_out_as_from_the_original() => Check("english", "result", new EnglishTextNormalizer().Normalize);

    [Fact]
    public void English_numbers_come_out_as_from_the_original() => Check("english_numbers", "result", EnglishNumbers.Normalize);

    [Fact]
    public void English_spellings_come_out_as_from_the_original() => Check("english_spelling", "result", EnglishTextNormalizer.AmericanSpelling);

    [Theory]
    [InlineData("plain", false, false)]
    [InlineData("no_diacritics", true, false)]
    [InlineData("letters", false, true)]
    [InlineData("no_diacritics_letters", true, true)]
    public void Texts_of_all_languages_come_out_as_from_the_original(string result, bool removeDiacritics, bool splitLetters) =>
        Check("basic", result, new BasicTextNormalizer(removeDiacritics, splitLetters).Normalize);

    // The hashes: Python 3.11 (Unicode 14), SHA-256 of normalize(form, c) + "\n" in UTF-8 for every code point but surrogates.
    [Fact]
    public void Every_code_point_has_the_normal_forms_of_Unicode()
    {
        Assert.Equal("d796bc2466011eef032f183cd5a0e9335aed43a191d6c20c137ee95f1fc98dc6", HashOfAll(UnicodeNormalization.Decompose));
        Assert.Equal("06e7277bca1b5f061a23d4e0caee648a132aee7e3fe7ae21a6f460298c980a11", HashOfAll(UnicodeNormalization.Compose));
    }

    // Expected: Python's unicodedata.normalize. Marks out of order, blocked marks, marks that make two code points one.
    [Theory]
    [InlineData("a\u0315\u0300\u05ae\u0301", "a\u05ae\u0300\u0301\u0315", "\u00e0\u05ae\u0301\u0315")]
    [InlineData("q\u0307\u0323", "q\u0323\u0307", "q\u0323\u0307")]
    [InlineData("\u1e9b\u0323", "s\u0323\u0307", "\u1e69")]
    [InlineData("\u1100\u1161\u11a8", "\u1100\u1161\u11a8", "각")]
    [InlineData("가\u11a7", "\u1100\u1161\u11a7", "가\u11a7")]
    [InlineData("\u0915\u093c", "\u0915\u093c", "\u0915\u093c")]
    [InlineData("a\u0325\u0300b\u0300", "a\u0325\u0300b\u0300", "\u1e01\u0300b\u0300")]
    public void Marks_are_ordered_and_joined(string text, string decomposed, string composed) =>
        Assert.Equal((decomposed, composed), (UnicodeNormalization.Decompose(text), UnicodeNormalization.Compose(text)));

    // Expected: Python's str.lower.
    [Theory]
    [InlineData("İSTANBUL", "i\u0307stanbul")]
    [InlineData("ΟΔΟΣ", "οδος")]
    [InlineData("ΟΔΟΣ, ΣΑΣ Σ", "οδος, σας σ")]
    [InlineData("ΑΣ'Α ΑΣ.", "ασ'α ας.")]
    [InlineData("ẞÀ", "ßà")]
    public void Letters_become_small_as_in_Python(string text, string lower) => Assert.Equal(lower, PythonPattern.Lower(text));

    [Property(MaxTest = 300)]
    public void Normal_forms_are_normal(FsCheck.NonNull<string> text)
    {
        string decomposed = UnicodeNormalization.Decompose(text.Get), composed = UnicodeNormalization.Compose(text.Get);
        Assert.Equal(decomposed, UnicodeNormalization.Decompose(decomposed));
        Assert.Equal(composed, UnicodeNormalization.Compose(composed));
        Assert.Equal(decomposed, UnicodeNormalization.Decompose(composed));
    }

    [Fact]
    public void Number_words_in_any_order_come_out_as_from_the_original()
    {
        JsonElement cases = JsonDocument.Parse(File.ReadAllBytes(TestData.Path("reference", "tokenizer", "number_words.json"))).RootElement;
        EnglishTextNormalizer english = new();
        Assert.All(cases.EnumerateArray(), example =>
        {
            string text = example.GetProperty("text").GetString()!;
            Assert.Equal(example.GetProperty("numbers").GetString(), EnglishNumbers.Normalize(PythonPattern.Lower(text)));
            Assert.Equal(example.GetProperty("english").GetString(), english.Normalize(text));
        });
    }

    private static void Check(string part, string result, Func<string, string> normalize)
    {
        JsonElement[] cases = [.. Reference.GetProperty(part).EnumerateArray()];
        Assert.NotEmpty(cases);
        Assert.All(cases, example => Assert.Equal(example.GetProperty(result).GetString(), normalize(example.GetProperty("text").GetString()!)));
    }

    private static string HashOfAll(Func<string, string> normalize)
    {
        using IncrementalHash hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        for (int codePoint = 0; codePoint <= 0x10FFFF; codePoint++)
        {
            if (Rune.IsValid(codePoint))
            {
                hash.AppendData(Encoding.UTF8.GetBytes(normalize(new Rune(codePoint).ToString()) + "\n"));
            }
        }

        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }
}
