using System.Security.Cryptography;

namespace Handwritten.Server.Access;

/// <summary>
/// The keys that are valid now. The file is read again when a key is looked up and a second has passed, so that a changed
/// file, or the symbolic link that Kubernetes swaps, counts without a restart and without a watcher. A file that became
/// unreadable or wrong changes nothing but the log.
/// </summary>
internal sealed partial class ApiKeys
{
    private static readonly TimeSpan Freshness = TimeSpan.FromSeconds(1);

    private readonly string? _path;
    private readonly TimeProvider _time;
    private readonly ILogger<ApiKeys> _logger;
    private readonly Lock _lock = new();
    private IReadOnlyList<ApiKey> _keys = [];
    private string? _text;
    private long _readAt;

    /// <summary>Reads the file.</summary>
    /// <param name="options">Names the file; without one everybody may come.</param>
    /// <param name="time">The clock.</param>
    /// <param name="logger">The log.</param>
    /// <exception cref="FormatException">A line makes no sense.</exception>
    /// <exception cref="IOException">The file cannot be read.</exception>
    public ApiKeys(ServerOptions options, TimeProvider time, ILogger<ApiKeys> logger)
    {
        (_path, _time, _logger) = (options.ApiKeyFile, time, logger);
        if (_path is not null)
        {
            _text = File.ReadAllText(_path);
            _keys = ApiKeyFile.Parse(_text);
            _readAt = time.GetTimestamp();
        }
    }

    /// <summary>Whether clients need a key.</summary>
    public bool AreRequired => _path is not null;

    /// <summary>The client of a key, in a time that does not depend on how much of the key is right.</summary>
    public ApiKey? Find(string key)
    {
        byte[] hash = ApiKeyFile.HashOf(key);
        ApiKey? found = null;
        foreach (ApiKey candidate in Current())
        {
            found = CryptographicOperations.FixedTimeEquals(candidate.Hash, hash) ? candidate : found;
        }

        return found;
    }

    /// <summary>Whether a client may still come: its key, if it needed one, is still in the file.</summary>
    public bool Allow(Client client) => client.Key is not { } key || Current().Any(known => known.Name == key.Name && CryptographicOperations.FixedTimeEquals(known.Hash, key.Hash));

    private IReadOnlyList<ApiKey> Current()
    {
        lock (_lock)
        {
            if (_path is not null && _time.GetElapsedTime(_readAt) >= Freshness)
            {
                _readAt = _time.GetTimestamp();
                Reload(_path);
            }

            return _keys;
        }
    }

    private void Reload(string path)
    {
        try
        {
            string text = File.ReadAllText(path);
            if (text != _text)
            {
                _text = text; // also where it is wrong: one complaint about each mistake is enough
                _keys = ApiKeyFile.Parse(text);
                LogReloaded(_keys.Count);
            }
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException or FormatException)
        {
            LogUnusable(failure);
        }
    }

    [LoggerMessage(LogLevel.Information, "The file of API keys has changed: {Count} keys are valid.")]
    private partial void LogReloaded(int count);

    [LoggerMessage(LogLevel.Error, "The file of API keys cannot be used; the keys before stay valid.")]
    private partial void LogUnusable(Exception failure);
}
