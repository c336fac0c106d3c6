using Handwritten.Model.Tokenization;
using Handwritten.Runtime.Evaluation;

namespace Handwritten.Cli;

/// <summary>How well a file was heard; both texts in their normal form.</summary>
internal sealed record Judgement(string File, string Normalizer, ErrorCount Words, ErrorCount Characters, string Reference, string Hypothesis)
{
    /// <summary>Compares what was said with what was heard.</summary>
    /// <param name="file">The recording or transcript.</param>
    /// <param name="said">The truth.</param>
    /// <param name="heard">The text to judge.</param>
    /// <param name="normalizer">Name of the normal form, or <c>auto</c>.</param>
    /// <param name="language">Language by which <c>auto</c> chooses, if it is known.</param>
    public static Judgement Of(string file, string said, string heard, string normalizer, string? language)
    {
        string name = normalizer is not "auto" ? normalizer : TextNormalizers.NameFor(language is null ? null : Languages.FindCode(language));
        ITextNormalizer form = TextNormalizers.Named(name);
        (said, heard) = (form.Normalize(said).Trim(), form.Normalize(heard).Trim());
        return new Judgement(file, name, ErrorCount.OfWords(said, heard), ErrorCount.OfCharacters(said, heard), said, heard);
    }
}

/// <summary>The errors of several files together.</summary>
internal sealed record ErrorTotal(ErrorCount Words, ErrorCount Characters)
{
    /// <summary>Adds them up.</summary>
    public static ErrorTotal Of(IReadOnlyCollection<Judgement> judgements) => new(
        judgements.Aggregate(default(ErrorCount), (sum, judgement) => sum + judgement.Words),
        judgements.Aggregate(default(ErrorCount), (sum, judgement) => sum + judgement.Characters));
}
