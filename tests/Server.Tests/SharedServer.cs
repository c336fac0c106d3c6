using Xunit;

namespace Handwritten.Server.Tests;

/// <summary>A server with the default settings, which tests share that change nothing of it.</summary>
public sealed class SharedServer : IAsyncLifetime
{
    internal RunningServer Server { get; private set; } = null!;

    public async Task InitializeAsync() => Server = await RunningServer.StartAsync();

    public async Task DisposeAsync() => await Server.DisposeAsync();
}

[CollectionDefinition(Name)]
public sealed class OneServerForAll : ICollectionFixture<SharedServer>
{
    public const string Name = "Shared server";
}
