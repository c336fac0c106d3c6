namespace Handwritten.Runtime.Serving;

/// <summary>
/// Gives out lanes that lie side by side: the first gap that is large enough.
/// <code>
///     lane      0 1 2 3 4 5 6 7
///     in use    x x . x . . . x
///     Take(3)           4 5 6
/// </code>
/// </summary>
/// <param name="count">Lanes that there are.</param>
internal sealed class LanePool(int count)
{
    private readonly bool[] _taken = new bool[count];

    /// <summary>Lanes in use.</summary>
    public int InUse { get; private set; }

    /// <summary>Takes neighbouring lanes.</summary>
    /// <returns>The first of them; null if there are not so many.</returns>
    public int? Take(int lanes)
    {
        for (int first = 0; first + lanes <= _taken.Length; first++)
        {
            if (!_taken.AsSpan(first, lanes).Contains(true))
            {
                _taken.AsSpan(first, lanes).Fill(true);
                InUse += lanes;
                return first;
            }
        }

        return null;
    }

    /// <summary>Gives lanes back.</summary>
    public void Return(int first, int lanes)
    {
        _taken.AsSpan(first, lanes).Clear();
        InUse -= lanes;
    }
}
