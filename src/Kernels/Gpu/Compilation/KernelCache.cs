using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace Handwritten.Kernels.Gpu.Compilation;

/// <summary>
/// Compiled kernels in a folder, so that a second start compiles nothing. An entry is a PTX file that any tool reads, with
/// three comments in front:
/// <code>
///     // LayerNormalization&lt;Float16&gt;.Kernel for sm_90 PTX 7.8
///     // shared 0 False
///     // sha256 of what follows: 61f2...
///     .version 7.8
/// </code>
/// The file's name is the hash of all that the text depends on (<see cref="KernelRequest.Key"/>), so an entry is never out of
/// date. Files are written under another name first and renamed when they are whole: processes may share the folder. An
/// entry that is damaged is compiled again; where the folder cannot be used, everything is. Both are said once.
/// </summary>
/// <param name="folder">Where entries are; null keeps none.</param>
/// <param name="warn">Receives a sentence for the user.</param>
internal sealed class KernelCache(string? folder, Action<string> warn)
{
    /// <summary>The variable that names another folder, or says "off".</summary>
    public const string Variable = "HANDWRITTEN_KERNEL_CACHE";

    private const string SharedPrefix = "// shared ", HashPrefix = "// sha256 of what follows: ";
    private static readonly TimeSpan Lifetime = TimeSpan.FromDays(60); // of an entry that nobody asked for

    private bool _warned;
    private bool _tidied;

    /// <summary>The folder that the environment names, or else the user's cache folder.</summary>
    public static string? UsualFolder
    {
        get
        {
            string? named = Environment.GetEnvironmentVariable(Variable);
            if (!string.IsNullOrWhiteSpace(named))
            {
                return named.Equals("off", StringComparison.OrdinalIgnoreCase) ? null : named;
            }

            string? caches = OperatingSystem.IsWindows()
                ? Environment.GetFolderPath(Environment.SpecialFolder.LocalApplicationData)
                : Environment.GetEnvironmentVariable("XDG_CACHE_HOME");
            if (!Path.IsPathRooted(caches)) // the standard wants relative paths ignored
            {
                string home = Environment.GetFolderPath(Environment.SpecialFolder.UserProfile);
                caches = home.Length > 0 ? Path.Combine(home, ".cache") : null;
            }

            return caches is null ? null : Path.Combine(caches, "handwritten", "kernels");
        }
    }

    /// <summary>The kernel from the folder, or else from the compiler; then it is in the folder.</summary>
    public KernelText Get(KernelRequest request, KernelTarget target, Func<KernelText> compile)
    {
        if (folder is null)
        {
            return compile();
        }

        string path = Path.Combine(folder, request.Key(target) + ".ptx");
        if (Read(path) is { } cached)
        {
            return cached;
        }

        KernelText text = compile();
        Write(path, $"// {request.Name} for {target}", text);
        return text;
    }

    private KernelText? Read(string path)
    {
        try
        {
            if (!File.Exists(path))
            {
                return null;
            }

            string[] parts = File.ReadAllText(path).Split('\n', 4);
            string[] shared = parts.Length == 4 && parts[1].StartsWith(SharedPrefix, StringComparison.Ordinal) ? parts[1][SharedPrefix.Length..].Split(' ') : [];
            if (shared.Length != 2 || parts[2] != HashPrefix + Hash(parts[1], parts[3]))
            {
                Warn($"The kernel cache has a damaged file, '{path}': its kernel is compiled again.");
                return null;
            }

            if (DateTime.UtcNow - File.GetLastWriteTimeUtc(path) > TimeSpan.FromDays(1))
            {
                File.SetLastWriteTimeUtc(path, DateTime.UtcNow); // still in use
            }

            return new KernelText(parts[3], int.Parse(shared[0], CultureInfo.InvariantCulture), bool.Parse(shared[1]));
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            Warn($"The kernel cache cannot be read, so kernels are compiled at every start: {exception.Message}");
            return null;
        }
    }

    private void Write(string path, string title, KernelText text)
    {
        string temporary = $"{path}.{Environment.ProcessId}.{Guid.NewGuid():n}.tmp";
        try
        {
            Directory.CreateDirectory(folder!);
            Tidy();
            string shared = string.Create(CultureInfo.InvariantCulture, $"{SharedPrefix}{text.SharedBytes} {text.UsesDynamicShared}");
            File.WriteAllText(temporary, $"{title}\n{shared}\n{HashPrefix}{Hash(shared, text.Ptx)}\n{text.Ptx}");
            File.Move(temporary, path, overwrite: true);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException or NotSupportedException or ArgumentException)
        {
            Warn($"The kernel cache '{folder}' cannot be written, so kernels are compiled at every start: {exception.Message} ({Variable}=DIR names another folder, {Variable}=off switches it off.)");
        }
    }

    /// <summary>Removes what nobody has asked for in a long time; every new build of the kernels leaves its entries behind.</summary>
    private void Tidy()
    {
        if (_tidied)
        {
            return;
        }

        _tidied = true;
        foreach (FileInfo file in new DirectoryInfo(folder!).EnumerateFiles())
        {
            if (file.Extension is ".ptx" or ".tmp" && DateTime.UtcNow - file.LastWriteTimeUtc > Lifetime)
            {
                file.Delete();
            }
        }
    }

    private static string Hash(string shared, string ptx) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(shared + ptx)));

    private void Warn(string message)
    {
        if (!_warned)
        {
            _warned = true;
            warn(message);
        }
    }
}
