namespace Handwritten.MatrixLadder;

/// <summary>Of the product y = x Wᵀ. All three are multiples of 64, so that no rung has to look for ends.</summary>
/// <param name="Rows">Of x and y.</param>
/// <param name="Outputs">Columns of y, rows of W.</param>
/// <param name="Inputs">Columns of x and W: the length of the sums.</param>
internal readonly record struct Sizes(int Rows, int Outputs, int Inputs)
{
    /// <summary>Multiplications, each followed by an addition.</summary>
    public long MultiplyAdds => (long)Rows * Outputs * Inputs;
}
