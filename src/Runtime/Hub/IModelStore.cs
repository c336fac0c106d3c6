namespace Handwritten.Runtime.Hub;

/// <summary>
/// Where downloaded models go. Files are written under passing names, verified, renamed, and shown as a model only when
/// all of them are there.
/// </summary>
public interface IModelStore
{
    /// <summary>Where the model will be, to check for room.</summary>
    string Folder { get; }

    /// <summary>Whether a file is here already.</summary>
    bool Has(HubFile file, CancellationToken cancellation);

    /// <summary>The passing name of a file; its folder exists afterwards.</summary>
    string PartialPath(HubFile file);

    /// <summary>Takes a verified file over from its passing name.</summary>
    void Keep(HubFile file);

    /// <summary>Shows the model, all of whose files are here.</summary>
    /// <returns>Its folder.</returns>
    string Show(HubSnapshot snapshot);
}
