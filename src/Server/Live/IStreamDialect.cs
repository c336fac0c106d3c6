using Handwritten.Runtime.Serving;
using Handwritten.Server.Errors;

namespace Handwritten.Server.Live;

/// <summary>What a client's text message means.</summary>
/// <param name="Audio">Sound, if it carries some.</param>
/// <param name="IsEnd">Whether no sound follows.</param>
/// <param name="Reply">What to answer, if anything.</param>
internal readonly record struct ClientMessage(ReadOnlyMemory<byte> Audio = default, bool IsEnd = false, object? Reply = null);

/// <summary>How a live stream is spoken about: the joint between sockets, which carry messages, and what messages look like.</summary>
internal interface IStreamDialect
{
    /// <summary>The first message.</summary>
    /// <param name="model">The model's name.</param>
    object Greet(string model);

    /// <summary>Understands a text message.</summary>
    /// <exception cref="ApiException">It makes no sense.</exception>
    ClientMessage Read(ReadOnlyMemory<byte> json);

    /// <summary>The messages that say what was heard.</summary>
    IEnumerable<object> Tell(LiveEvent heard);

    /// <summary>The message that says what went wrong.</summary>
    object Complain(ApiException error);

    /// <summary>The last message; null for none.</summary>
    object? TakeLeave();
}
