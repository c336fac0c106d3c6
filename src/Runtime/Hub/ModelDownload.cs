using System.Globalization;
using Handwritten.Runtime.Output;

namespace Handwritten.Runtime.Hub;

/// <summary>
/// Downloads a model: all missing pieces of all files at once, over a few connections; then each file is hashed and
/// renamed, and when all are there the model is shown. It may end at any moment, and goes on from there the next time.
/// </summary>
public static class ModelDownload
{
    /// <summary>Downloads what is not here yet.</summary>
    /// <param name="client">The hub.</param>
    /// <param name="snapshot">What <see cref="HubClient.ListAsync"/> gave.</param>
    /// <param name="store">Where to.</param>
    /// <param name="progress">Is told how many bytes are here, from several threads.</param>
    /// <param name="cancellation">Ends it.</param>
    /// <returns>The model's folder.</returns>
    /// <exception cref="HubException">The hub does not give it, or not unharmed.</exception>
    /// <exception cref="OutputException">It cannot be written here.</exception>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    public static async Task<string> RunAsync(
        HubClient client, HubSnapshot snapshot, IModelStore store, Action<long>? progress = null, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(client);
        ArgumentNullException.ThrowIfNull(snapshot);
        ArgumentNullException.ThrowIfNull(store);
        try
        {
            // Two files of the same content are one blob.
            HubFile[] wanted = [.. snapshot.Files.Where(file => !store.Has(file, cancellation)).DistinctBy(store.PartialPath)];
            await FetchAsync(client, snapshot, store, wanted, progress ?? (_ => { }), cancellation);
            return store.Show(snapshot);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new OutputException($"The model cannot be stored in '{store.Folder}' ({exception.Message.TrimEnd('.')}); choose another folder with --local-dir or HF_HOME, or make this one writable.", exception);
        }
    }

    private static async Task FetchAsync(
        HubClient client, HubSnapshot snapshot, IModelStore store, HubFile[] wanted, Action<long> progress, CancellationToken cancellation)
    {
        List<PartialFile> partials = [];
        try
        {
            foreach (HubFile file in wanted)
            {
                partials.Add(Open(store.PartialPath(file), file, client.Options.PieceBytes));
            }

            long missing = partials.SelectMany(partial => partial.Missing).Sum(piece => (long)piece.Count);
            RequireRoom(store.Folder, missing);
            long received = snapshot.Bytes - missing;
            progress(received);

            var pieces = wanted.Zip(partials).SelectMany(pair => pair.Second.Missing.Select(piece => (File: pair.First, Partial: pair.Second, piece.Piece, piece.Start, piece.Count)));
            ParallelOptions parallel = new() { MaxDegreeOfParallelism = client.Options.Connections, CancellationToken = cancellation };
            await Parallel.ForEachAsync(pieces.ToArray(), parallel, async (piece, token) =>
            {
                await client.FetchAsync(snapshot, piece.File, piece.Start, piece.Count, async (at, bytes) =>
                {
                    await piece.Partial.WriteAsync(at, bytes, token);
                    progress(Interlocked.Add(ref received, bytes.Length));
                }, token);
                piece.Partial.Finish(piece.Piece);
            });

            foreach ((HubFile file, PartialFile partial) in wanted.Zip(partials))
            {
                Keep(store, file, partial, cancellation);
            }
        }
        finally
        {
            partials.ForEach(partial => partial.Dispose());
        }
    }

    private static PartialFile Open(string path, HubFile file, int pieceBytes)
    {
        try
        {
            return new PartialFile(path, file.Size, pieceBytes);
        }
        catch (IOException exception) when (File.Exists(path))
        {
            throw new OutputException($"'{path}' is in use: another process seems to download the same model; wait for it.", exception);
        }
    }

    private static void Keep(IModelStore store, HubFile file, PartialFile partial, CancellationToken cancellation)
    {
        bool isGenuine = partial.IsGenuine(file, cancellation);
        if (isGenuine)
        {
            partial.Complete();
        }

        partial.Dispose();
        if (!isGenuine)
        {
            File.Delete(store.PartialPath(file));
            throw new HubException($"'{file.Path}' arrived damaged, as its {(file.IsLarge ? "SHA-256" : "SHA-1")} tells: it has been removed, pull again.");
        }

        store.Keep(file);
    }

    /// <summary>Finds out before the download that it would fill the disk.</summary>
    private static void RequireRoom(string folder, long bytes)
    {
        string? existing = Path.GetFullPath(folder);
        while (existing is not null && !Directory.Exists(existing))
        {
            existing = Path.GetDirectoryName(existing);
        }

        // A share on the network is no drive, and says nothing.
        bool isKnown = existing is not null && !existing.StartsWith(@"\\", StringComparison.Ordinal);
        long free = isKnown ? new DriveInfo(existing!).AvailableFreeSpace : long.MaxValue;
        if (free < bytes)
        {
            throw new OutputException(string.Create(CultureInfo.InvariantCulture,
                $"The model needs {bytes / 1e6:F0} MB more, but '{folder}' has room for {free / 1e6:F0} MB: make room, or choose another folder with --local-dir or HF_HOME."));
        }
    }
}
