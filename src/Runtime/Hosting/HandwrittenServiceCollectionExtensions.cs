using Handwritten.Runtime;
using Handwritten.Runtime.Hosting;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Options;

// By convention in the namespace of the type that is extended, where everybody finds it.
#pragma warning disable IDE0130
namespace Microsoft.Extensions.DependencyInjection;
#pragma warning restore IDE0130

/// <summary>Speech to text for applications that use dependency injection.</summary>
public static class HandwrittenServiceCollectionExtensions
{
    /// <summary>
    /// Adds one <see cref="WhisperTranscriber"/> for the whole application, and the <c>ISpeechToTextClient</c> of
    /// Microsoft.Extensions.AI in front of it. The model is loaded when one of them is first asked for, and goes with the
    /// application; ask for the transcriber at the start to have it warm, and to hear then that it cannot be loaded.
    /// </summary>
    /// <param name="services">The application's services.</param>
    /// <param name="configure">Chooses model, device and defaults.</param>
    public static IServiceCollection AddHandwritten(this IServiceCollection services, Action<HandwrittenOptions>? configure = null)
    {
        ArgumentNullException.ThrowIfNull(services);
        services.AddOptions<HandwrittenOptions>().Configure(configure ?? (_ => { }));
        services.TryAddSingleton(provider => provider.GetRequiredService<IOptions<HandwrittenOptions>>().Value.Load());
#pragma warning disable MEAI001 // The interface may still change; whoever asks for it is told so by the compiler.
        services.TryAddSingleton<ISpeechToTextClient, WhisperSpeechToTextClient>();
#pragma warning restore MEAI001
        return services;
    }
}
