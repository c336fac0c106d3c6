using System.IO.Enumeration;

namespace Handwritten.Runtime.Audio;

/// <summary>
/// Finds the recordings that a pattern or a folder stands for. Shells do it for patterns, but not all of them (Windows'),
/// and not within quotes.
/// </summary>
public static class RecordingFiles
{
    private static readonly EnumerationOptions Here = new() { IgnoreInaccessible = true, AttributesToSkip = 0 };

    // Folders below folders; links among them could lead in a circle.
    private static readonly EnumerationOptions Deeper = new() { IgnoreInaccessible = true, AttributesToSkip = FileAttributes.Hidden | FileAttributes.ReparsePoint };

    private static readonly string[] Anything = ["*"];

    // The names that recordings and videos end in; what a file is, is seen when it is read.
    private static readonly HashSet<string> Endings = new(StringComparer.OrdinalIgnoreCase)
    {
        ".aac", ".ac3", ".aif", ".aiff", ".amr", ".ape", ".au", ".caf", ".dss", ".flac", ".gsm", ".m4a", ".m4b", ".mka", ".mp2", ".mp3", ".mpga",
        ".oga", ".ogg", ".opus", ".ra", ".spx", ".w64", ".wav", ".wma", ".wv",
        ".3gp", ".avi", ".flv", ".m2ts", ".m4v", ".mkv", ".mov", ".mp4", ".mpeg", ".mpg", ".mts", ".ogv", ".ts", ".vob", ".webm", ".wmv",
    };

    /// <summary>Whether a name is a pattern: it has <c>*</c>, <c>?</c> or <c>[</c> in it, and there is no file or folder of that very name.</summary>
    public static bool IsPattern(string name)
    {
        ArgumentNullException.ThrowIfNull(name);
        return ShellPattern.Is(name) && !Path.Exists(name);
    }

    /// <summary>What a name on a command line stands for: the files that match it, if it is a pattern and there are any; else itself.</summary>
    public static IReadOnlyList<string> Named(string name) => IsPattern(name) && Matching(name) is { Count: > 0 } found ? found : [name];

    /// <summary>
    /// The files that match a pattern, in the order of their names. <c>*</c> stands for any characters of a name, <c>?</c>
    /// for one, <c>[a-c1]</c> for one of these, <c>[!a-c]</c> for one of the others, and <c>**</c> for any number of folders. As
    /// in a shell, a name that begins with a dot is matched only by one that does.
    /// </summary>
    public static IReadOnlyList<string> Matching(string pattern)
    {
        ArgumentNullException.ThrowIfNull(pattern);
        string root = Path.GetPathRoot(pattern) ?? "";
        string[] parts = pattern[root.Length..].Split([Path.DirectorySeparatorChar, Path.AltDirectorySeparatorChar], StringSplitOptions.RemoveEmptyEntries);
        return [.. Match(root, parts).Distinct().Order(StringComparer.Ordinal)];
    }

    /// <summary>The recordings in a folder and below it, by the endings of their names, in the order of their paths.</summary>
    public static IReadOnlyList<string> Below(string folder)
    {
        FileSystemEnumerable<string> files = new(folder, (ref entry) => entry.ToSpecifiedFullPath(), new EnumerationOptions { IgnoreInaccessible = true, RecurseSubdirectories = true })
        {
            ShouldIncludePredicate = (ref entry) => !entry.IsDirectory && Endings.Contains(Path.GetExtension(entry.FileName).ToString()),
            ShouldRecursePredicate = (ref entry) => !entry.Attributes.HasFlag(FileAttributes.ReparsePoint),
        };
        return [.. files.Order(StringComparer.Ordinal)];
    }

    private static IEnumerable<string> Match(string folder, ReadOnlyMemory<string> parts)
    {
        string part = parts.Span[0];
        ReadOnlyMemory<string> rest = parts[1..];
        bool isLast = rest.Length == 0;
        string place = folder.Length == 0 ? "." : folder;
        if (!Directory.Exists(place))
        {
            return [];
        }

        if (part == "**")
        {
            // No folder, or one more.
            IEnumerable<string> deeper = Names(Directory.EnumerateDirectories(place, "*", Deeper), "*").SelectMany(name => Match(Path.Combine(folder, name), parts));
            return Match(folder, isLast ? Anything : rest).Concat(deeper);
        }

        if (!ShellPattern.Is(part))
        {
            string path = Path.Combine(folder, part);
            return isLast ? (File.Exists(path) ? [path] : []) : Match(path, rest);
        }

        return isLast
            ? Names(Directory.EnumerateFiles(place, "*", Here), part).Select(name => Path.Combine(folder, name))
            : Names(Directory.EnumerateDirectories(place, "*", Here), part).SelectMany(name => Match(Path.Combine(folder, name), rest));
    }

    private static IEnumerable<string> Names(IEnumerable<string> paths, string pattern) => paths
        .Select(path => Path.GetFileName(path))
        .Where(name => ShellPattern.Matches(pattern, name, ignoreCase: OperatingSystem.IsWindows()) && (name[0] != '.' || pattern[0] == '.'));
}
