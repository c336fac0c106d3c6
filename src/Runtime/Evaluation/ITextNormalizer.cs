namespace Handwritten.Runtime.Evaluation;

/// <summary>Makes texts comparable that say the same in other words or signs, so that errors can be counted.</summary>
public interface ITextNormalizer
{
    /// <summary>The text in its normal form.</summary>
    string Normalize(string text);
}
