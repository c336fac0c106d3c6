using Handwritten.Runtime.Audio;

namespace Handwritten.Server.Uploads;

/// <summary>A recording as samples. It holds their memory until it is disposed: when there is a transcript, or will be none.</summary>
/// <param name="clip">The samples.</param>
/// <param name="memory">What they take.</param>
/// <param name="waited">How long the recording waited to be decoded.</param>
internal sealed class DecodedRecording(AudioClip clip, IDisposable memory, TimeSpan waited) : IDisposable
{
    private AudioClip? _clip = clip;

    /// <summary>The samples.</summary>
    public AudioClip Clip => _clip ?? throw new ObjectDisposedException(nameof(DecodedRecording));

    /// <summary>How long the recording waited to be decoded.</summary>
    public TimeSpan Waited => waited;

    public void Dispose()
    {
        _clip = null; // whoever still holds this does not hold hours of sound
        memory.Dispose();
    }
}
