namespace Handwritten.Model.Parity;

/// <summary>One line of a parity table.</summary>
/// <param name="Name">The activation's name in openai/whisper.</param>
/// <param name="Shape">Its dimensions, outermost first.</param>
/// <param name="Error">Relative L2 error, see <see cref="ReferenceTensor.RelativeError"/>.</param>
/// <param name="Tolerance">The largest error that counts as equal.</param>
public sealed record ParityRow(string Name, int[] Shape, double Error, double Tolerance)
{
    /// <summary>Whether the activation is within its tolerance; a NaN is not.</summary>
    public bool Ok => Error <= Tolerance;
}
