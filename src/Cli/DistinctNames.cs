namespace Handwritten.Cli;

/// <summary>
/// What the files of recordings are called where nobody says so. openai/whisper calls them after their recording, so that of
/// several recordings of a name the last one's files replace the others'. Here the last one gets these very files as well,
/// and the others keep theirs under names that nobody else has:
/// <code>
///     audio.flac    audio.flac.txt        a/talk.mp3   talk-001.txt       the whole name, or where that tells
///     audio.mp3     audio.mp3.txt         b/talk.mp3   talk-002.txt       recordings apart no better, the number on
///     audio.wav     audio.txt             c/talk.mp3   talk.txt           the command line
/// </code>
/// </summary>
internal static class DistinctNames
{
    /// <summary>The names, without extensions, in the order of the recordings.</summary>
    /// <param name="recordings">Paths, addresses or standard input, each of them once.</param>
    public static string[] Of(IReadOnlyList<string> recordings)
    {
        string[] names = [.. recordings.Select(OutputName.NameOf)], files = [.. recordings.Select(OutputName.FileNameOf)];
        HashSet<string> taken = [.. names];
        return [.. names.Select((name, i) => Array.LastIndexOf(names, name) == i ? name : Other(i))];

        string Other(int i)
        {
            string other = files.Count(file => file == files[i]) == 1 ? files[i] : Numbered(names[i], i);
            while (!taken.Add(other))
            {
                other = Numbered(other, i);
            }

            return other;
        }
    }

    private static string Numbered(string name, int i) => $"{name}-{i + 1:D3}";
}
