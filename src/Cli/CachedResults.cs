using System.CommandLine;
using Handwritten.Model;
using Handwritten.Model.Configuration;
using Handwritten.Runtime;
using Handwritten.Runtime.Audio;
using Handwritten.Runtime.Output;
using Handwritten.Runtime.Transcription;

namespace Handwritten.Cli;

/// <summary>
/// The transcripts that a command has made before. Every option counts, as it is written on the command line, except those
/// that are known not to matter: an option that is added to a command later is safe by itself.
/// </summary>
internal sealed class CachedResults
{
    private readonly TranscriptCache _cache;
    private readonly Lazy<string> _model;
    private readonly Lazy<bool> _isMultilingual;
    private readonly string _options;

    /// <summary>The results in a folder.</summary>
    /// <param name="folder">Where they are.</param>
    /// <param name="model">The model's options.</param>
    /// <param name="parsed">The command line.</param>
    /// <param name="irrelevant">Options on which no result depends.</param>
    /// <exception cref="OutputException">The folder cannot be used.</exception>
    public CachedResults(string folder, ModelOptions model, ParseResult parsed, IEnumerable<Option> irrelevant)
    {
        _cache = new TranscriptCache(folder);
        _model = new Lazy<string>(() => ModelFingerprint.Of(model.Folder(parsed)));
        _isMultilingual = new Lazy<bool>(() => GenerationConfig.Load(model.Folder(parsed), WhisperConfig.Load(model.Folder(parsed))).IsMultilingual);
        IEnumerable<string> given =
            from option in parsed.CommandResult.Command.Options.Except(irrelevant.Concat(model.Names)).OrderBy(option => option.Name, StringComparer.Ordinal)
            let result = parsed.GetResult(option)
            where result is { Implicit: false }
            // Lengths tell where a value ends, whatever is in it.
            select string.Concat(result.Tokens.Select(token => token.Value).Prepend(option.Name).Select(word => $"{word.Length}:{word}")) + "\n";
        _options = string.Concat(given);
    }

    /// <summary>The transcript of a sound that was made before; null if there is none.</summary>
    /// <exception cref="ModelException">There is no such model.</exception>
    public Transcript? Find(AudioClip clip) => _cache.Find(Key(clip));

    /// <summary>The transcript of a sound, from the cache or made now.</summary>
    /// <param name="clip">The sound.</param>
    /// <param name="known">What <see cref="Find"/> gave.</param>
    /// <param name="options">How it is transcribed.</param>
    /// <param name="narrator">Shows what is in the cache.</param>
    /// <param name="make">Makes what is not.</param>
    /// <exception cref="ModelException">There is no such model.</exception>
    /// <exception cref="OutputException">The cache takes no transcript.</exception>
    public Transcript Get(AudioClip clip, Transcript? known, TranscriptionOptions options, Narrator narrator, Func<Transcript> make)
    {
        if (known is not null)
        {
            narrator.Show(known, options, () => _isMultilingual.Value);
            narrator.Tell($"{clip.Source.Name}: taken from the cache.");
            return known;
        }

        Transcript transcript = make();
        _cache.Keep(Key(clip), transcript);
        return transcript;
    }

    private string Key(AudioClip clip) => TranscriptCache.Key(clip.Samples, _model.Value, _options);
}
