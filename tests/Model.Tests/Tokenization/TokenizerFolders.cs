using System.Text.Json.Nodes;
using Handwritten.Model.Tokenization;
using Xunit;

namespace Handwritten.Tests.Tokenization;

/// <summary>The vocabularies of Whisper, each in the forms that published folders have.</summary>
public static class TokenizerFolders
{
    private static readonly Dictionary<(string, string), WhisperTokenizer> Loaded = [];

    /// <summary>GPT-2's, 99 languages, and 100 languages (large-v3).</summary>
    public static string[] Vocabularies { get; } = ["english", "multilingual_99", "multilingual_100"];

    /// <summary>
    /// vocab.json with merges.txt and added_tokens.json; the same ending at notimestamps and with the old spelling of
    /// nospeech; added tokens in tokenizer_config.json only; tokenizer.json only, with merges as texts or as pairs.
    /// </summary>
    public static string[] Forms { get; } = ["files", "old_files", "tokenizer_config", "tokenizer_json", "new_tokenizer_json"];

    public static TheoryData<string, string> All
    {
        get
        {
            TheoryData<string, string> data = [];
            foreach (string vocabulary in Vocabularies)
            {
                foreach (string form in Forms)
                {
                    data.Add(vocabulary, form);
                }
            }

            return data;
        }
    }

    /// <summary>A tokenizer, loaded once for all tests.</summary>
    public static WhisperTokenizer Get(string vocabulary, string form = "files")
    {
        lock (Loaded)
        {
            if (!Loaded.TryGetValue((vocabulary, form), out WhisperTokenizer? tokenizer))
            {
                using TemporaryModel folder = Make(vocabulary, form);
                Loaded[(vocabulary, form)] = tokenizer = folder.Tokenizer();
            }

            return tokenizer;
        }
    }

    /// <summary>A folder with config.json and tokenizer files.</summary>
    internal static TemporaryModel Make(string vocabulary, string form = "files")
    {
        bool english = vocabulary == "english";
        TemporaryModel folder = TemporaryModel.WithConfig(config =>
        {
            config["vocab_size"] = vocabulary switch { "english" => 51864, "multilingual_99" => 51865, _ => 51866 };
            config["eos_token_id"] = english ? 50256 : 50257;
            config["decoder_start_token_id"] = english ? 50257 : 50258;
        });
        string data = TestData.Path("tokenizer", vocabulary switch { "english" => "english", "multilingual_99" => "multilingual", _ => "multilingual-v3" });
        string merging = english ? data : TestData.Weights("whisper-nano");
        folder.Copy(merging, "vocab.json");
        folder.Copy(merging, "merges.txt");
        folder.Copy(data, "added_tokens.json");

        JsonObject added = TemporaryModel.ReadObject(folder.Locate("added_tokens.json"));
        switch (form)
        {
            case "old_files":
                folder.Edit("added_tokens.json", added, tokens =>
                {
                    foreach (string time in tokens.Select(token => token.Key).Where(text => char.IsDigit(text[2])).ToList())
                    {
                        tokens.Remove(time);
                    }

                    tokens["<|nocaptions|>"] = tokens["<|nospeech|>"]!.DeepClone();
                    tokens.Remove("<|nospeech|>");
                });
                break;

            case "tokenizer_config":
                File.Delete(folder.Locate("added_tokens.json"));
                folder.Edit("tokenizer_config.json", new JsonObject
                {
                    ["added_tokens_decoder"] = new JsonObject(added.Select(token => KeyValuePair.Create(
                        token.Value!.ToString(),
                        (JsonNode?)new JsonObject { ["content"] = token.Key, ["special"] = true }))),
                });
                break;

            case "tokenizer_json" or "new_tokenizer_json":
                folder.Edit("tokenizer.json", MakeTokenizerJson(folder, added, pairs: form == "new_tokenizer_json"));
                File.Delete(folder.Locate("vocab.json"));
                File.Delete(folder.Locate("merges.txt"));
                File.Delete(folder.Locate("added_tokens.json"));
                break;
        }

        return folder;
    }

    private static JsonObject MakeTokenizerJson(TemporaryModel folder, JsonObject added, bool pairs)
    {
        IEnumerable<JsonNode?> merges = File.ReadLines(folder.Locate("merges.txt")).Skip(1).Select(merge =>
            pairs ? (JsonNode)new JsonArray([.. merge.Split(' ').Select(part => (JsonNode)part)]) : merge);
        IEnumerable<JsonNode?> tokens = added.Select(token => (JsonNode)new JsonObject
        {
            ["id"] = token.Value!.DeepClone(),
            ["content"] = token.Key,
            ["special"] = true,
        });
        return new JsonObject
        {
            ["version"] = "1.0",
            ["added_tokens"] = new JsonArray([.. tokens]),
            ["pre_tokenizer"] = new JsonObject { ["type"] = "ByteLevel" },
            ["model"] = new JsonObject
            {
                ["type"] = "BPE",
                ["vocab"] = TemporaryModel.ReadObject(folder.Locate("vocab.json")),
                ["merges"] = new JsonArray([.. merges]),
            },
        };
    }
}
