namespace Handwritten.Model.Synthetic;

/// <summary>
/// The encoder's position table: every position is a bundle of clock hands that turn at geometrically falling speeds,
/// sines in the first half of a row, cosines in the second. Published checkpoints carry the table as a tensor, so only
/// made-up ones need it computed. Source: openai/whisper, model.py, sinusoids.
/// </summary>
internal static class Sinusoids
{
    /// <summary>
    /// Row p of the table [positions, width]: sin(p · r^j) for j below width / 2, then cos(p · r^j), with
    /// r = 10000^(−1 / (width / 2 − 1)). Rounded to float32 after every step, so that the table is the same everywhere.
    /// </summary>
    public static void FillRow(Span<float> row, int position)
    {
        int half = row.Length / 2;
        float step = (float)-(Math.Log(10000) / (half - 1));
        for (int j = 0; j < half; j++)
        {
            float speed = (float)Math.Exp(step * j);
            float angle = position * speed;
            row[j] = (float)Math.Sin(angle);
            row[half + j] = (float)Math.Cos(angle);
        }
    }
}
