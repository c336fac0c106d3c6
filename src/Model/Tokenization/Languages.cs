namespace Handwritten.Model.Tokenization;

// The languages of Whisper by the code in their token: <|en|>, <|zh|>, ... (LANGUAGES and TO_LANGUAGE_CODE of
// whisper/tokenizer.py). Which of them a model has, and with which ids, its own files say: see SpecialTokens.

/// <summary>Names, codes and aliases of Whisper's languages.</summary>
public static class Languages
{
    /// <summary>English names by code, in the order of the tokens: most training data first, Cantonese at the end.</summary>
    public static IReadOnlyList<KeyValuePair<string, string>> All { get; } =
    [
        new("en", "english"), new("zh", "chinese"), new("de", "german"), new("es", "spanish"), new("ru", "russian"),
        new("ko", "korean"), new("fr", "french"), new("ja", "japanese"), new("pt", "portuguese"),
        new("tr", "turkish"), new("pl", "polish"), new("ca", "catalan"), new("nl", "dutch"), new("ar", "arabic"),
        new("sv", "swedish"), new("it", "italian"), new("id", "indonesian"), new("hi", "hindi"), new("fi", "finnish"),
        new("vi", "vietnamese"), new("he", "hebrew"), new("uk", "ukrainian"), new("el", "greek"), new("ms", "malay"),
        new("cs", "czech"), new("ro", "romanian"), new("da", "danish"), new("hu", "hungarian"), new("ta", "tamil"),
        new("no", "norwegian"), new("th", "thai"), new("ur", "urdu"), new("hr", "croatian"), new("bg", "bulgarian"),
        new("lt", "lithuanian"), new("la", "latin"), new("mi", "maori"), new("ml", "malayalam"), new("cy", "welsh"),
        new("sk", "slovak"), new("te", "telugu"), new("fa", "persian"), new("lv", "latvian"), new("bn", "bengali"),
        new("sr", "serbian"), new("az", "azerbaijani"), new("sl", "slovenian"), new("kn", "kannada"),
        new("et", "estonian"), new("mk", "macedonian"), new("br", "breton"), new("eu", "basque"),
        new("is", "icelandic"), new("hy", "armenian"), new("ne", "nepali"), new("mn", "mongolian"),
        new("bs", "bosnian"), new("kk", "kazakh"), new("sq", "albanian"), new("sw", "swahili"), new("gl", "galician"),
        new("mr", "marathi"), new("pa", "punjabi"), new("si", "sinhala"), new("km", "khmer"), new("sn", "shona"),
        new("yo", "yoruba"), new("so", "somali"), new("af", "afrikaans"), new("oc", "occitan"), new("ka", "georgian"),
        new("be", "belarusian"), new("tg", "tajik"), new("sd", "sindhi"), new("gu", "gujarati"), new("am", "amharic"),
        new("yi", "yiddish"), new("lo", "lao"), new("uz", "uzbek"), new("fo", "faroese"), new("ht", "haitian creole"),
        new("ps", "pashto"), new("tk", "turkmen"), new("nn", "nynorsk"), new("mt", "maltese"), new("sa", "sanskrit"),
        new("lb", "luxembourgish"), new("my", "myanmar"), new("bo", "tibetan"), new("tl", "tagalog"),
        new("mg", "malagasy"), new("as", "assamese"), new("tt", "tatar"), new("haw", "hawaiian"),
        new("ln", "lingala"), new("ha", "hausa"), new("ba", "bashkir"), new("jw", "javanese"), new("su", "sundanese"),
        new("yue", "cantonese"),
    ];

    private static readonly Dictionary<string, string> NameOfCode = new(All);

    private static readonly Dictionary<string, string> CodeOfName = new(
        All.Select(language => KeyValuePair.Create(language.Value, language.Key)))
    {
        ["burmese"] = "my",
        ["valencian"] = "ca",
        ["flemish"] = "nl",
        ["haitian"] = "ht",
        ["letzeburgesch"] = "lb",
        ["pushto"] = "ps",
        ["panjabi"] = "pa",
        ["moldavian"] = "ro",
        ["moldovan"] = "ro",
        ["sinhalese"] = "si",
        ["castilian"] = "es",
        ["mandarin"] = "zh",
    };

    /// <summary>Codes by name, the other names of some languages included.</summary>
    public static IReadOnlyDictionary<string, string> Codes => CodeOfName;

    /// <summary>English names by code.</summary>
    public static IReadOnlyDictionary<string, string> Names => NameOfCode;

    /// <summary>
    /// The code of a language given by code, name or other name, in any case: "de" for "German". Null if Whisper has no
    /// such language.
    /// </summary>
    public static string? FindCode(string language)
    {
        string lower = language.ToLowerInvariant();
        return NameOfCode.ContainsKey(lower) ? lower : CodeOfName.GetValueOrDefault(lower);
    }

    /// <summary>The code of a language given by code, name or other name, in any case.</summary>
    /// <exception cref="TokenizationException">Whisper has no such language.</exception>
    public static string ToCode(string language) => FindCode(language)
        ?? throw new TokenizationException($"There is no language \"{language}\" in Whisper; give a code such as \"en\" or a name such as \"English\".");
}
