using Handwritten.Runtime.Serving;
using Xunit;

namespace Handwritten.Runtime.Tests.Serving;

public sealed class EngineInboxTests
{
    /// <summary>Two things that are told before the engine looks wake it once: both have to be in what it finds then, or it sleeps for ever.</summary>
    [Fact]
    public void A_shutdown_that_comes_with_the_last_run_s_leaving_is_told_with_it()
    {
        using EngineInbox inbox = new();
        inbox.Leave(null!);
        inbox.Close();
        inbox.Wait();
        EngineMail mail = inbox.Take();
        Assert.Single(mail.Left);
        Assert.True(mail.IsClosed);
    }

    /// <summary>The last run's leaving may be what ends the engine, while the run is still on its way out of the inbox.</summary>
    [Fact]
    public void Who_leaves_after_the_engine_has_gone_is_not_heard()
    {
        EngineInbox inbox = new();
        inbox.Dispose();
        inbox.Leave(null!);
        inbox.Wake();
        Assert.Empty(inbox.Take().Left);
    }
}
