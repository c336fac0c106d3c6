using Handwritten.Runtime.Serving;
using Handwritten.Server.Errors;

namespace Handwritten.Server.Live;

/// <summary>What a client asks for.</summary>
internal enum ClientRequest
{
    /// <summary>To hear the sound that comes with the message, if some does.</summary>
    Hear,

    /// <summary>To take what was sent for a whole; more follows.</summary>
    Commit,

    /// <summary>To forget what was sent and has not been committed.</summary>
    Clear,

    /// <summary>To understand what follows by other settings.</summary>
    Configure,

    /// <summary>To finish: no sound follows.</summary>
    End,
}

/// <summary>What a client's text message means.</summary>
/// <param name="Request">What it asks for.</param>
/// <param name="Audio">Sound, if it carries some.</param>
/// <param name="Settings">The other settings.</param>
/// <param name="Reply">What to answer, if anything.</param>
internal readonly record struct ClientMessage(ClientRequest Request = ClientRequest.Hear, ReadOnlyMemory<byte> Audio = default, StreamSettings? Settings = null, object? Reply = null);

/// <summary>How a live stream is spoken about: the joint between sockets, which carry messages, and what messages look like.</summary>
internal interface IStreamDialect
{
    /// <summary>The most bytes of a client's message.</summary>
    int MostMessageBytes { get; }

    /// <summary>Whether the stream goes on after a message that makes no sense, and after a part that cannot be transcribed; if not, they end it.</summary>
    bool Forgives { get; }

    /// <summary>The first message.</summary>
    /// <param name="model">The model's name.</param>
    object Greet(string model);

    /// <summary>Understands a text message.</summary>
    /// <exception cref="ApiException">It makes no sense.</exception>
    ClientMessage Read(ReadOnlyMemory<byte> json);

    /// <summary>Hears that another part of the stream begins.</summary>
    void Begin(StreamPart part);

    /// <summary>The messages that say what was heard in the part that has begun.</summary>
    IEnumerable<object> Tell(LiveEvent heard);

    /// <summary>The messages at a part's end.</summary>
    /// <param name="part">The part.</param>
    /// <param name="error">Why it could not be transcribed, where the stream goes on all the same; null if it could.</param>
    IEnumerable<object> End(StreamPart part, ApiException? error);

    /// <summary>The messages that say what went wrong.</summary>
    /// <param name="error">What.</param>
    /// <param name="isLast">Whether it ends the stream.</param>
    IEnumerable<object> Complain(ApiException error, bool isLast);

    /// <summary>The last message; null for none.</summary>
    object? TakeLeave();
}
