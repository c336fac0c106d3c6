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
}
