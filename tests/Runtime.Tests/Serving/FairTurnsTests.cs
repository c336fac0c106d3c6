using Handwritten.Runtime.Serving;
using Xunit;

namespace Handwritten.Runtime.Tests.Serving;

/// <summary>Whose turn it is.</summary>
public sealed class FairTurnsTests
{
    [Fact]
    public void Urgent_work_goes_first_then_short_work_then_who_came_first()
    {
        FairTurns<string> queue = new();
        queue.Add("bulk", new(RequestPriority.Bulk, "a", 1));
        queue.Add("long", new(RequestPriority.Interactive, "a", 3600));
        queue.Add("short", new(RequestPriority.Interactive, "b", 2));
        queue.Add("short too", new(RequestPriority.Interactive, "c", 2));
        queue.Add("live", new(RequestPriority.Live, "c", 20));
        Assert.Equal(["live", "short", "short too", "long", "bulk"], TakeAll(queue));
    }

    [Fact]
    public void A_client_with_much_work_gets_as_many_windows_as_one_with_little()
    {
        FairTurns<string> queue = new();
        for (int i = 0; i < 40; i++)
        {
            queue.Add("many", new(RequestPriority.Interactive, "many", 2));
        }

        for (int i = 0; i < 10; i++)
        {
            queue.Add("few", new(RequestPriority.Interactive, "few", 60));
        }

        string[] order = TakeAll(queue);
        Assert.InRange(order.Take(20).Count(name => name == "few"), 8, 10);
    }

    [Fact]
    public void A_client_that_was_away_has_not_saved_up_turns()
    {
        FairTurns<string> queue = new();
        for (int i = 0; i < 100; i++)
        {
            queue.Add("busy", new(RequestPriority.Interactive, "busy", 2));
        }

        for (int i = 0; i < 50; i++)
        {
            Assert.True(queue.TryTake((_, _) => true, out _));
        }

        for (int i = 0; i < 30; i++)
        {
            queue.Add("new", new(RequestPriority.Interactive, "new", 2));
        }

        string[] order = TakeAll(queue);
        Assert.InRange(order.Take(20).Count(name => name == "new"), 8, 11);
    }

    [Fact]
    public void Nobody_waits_for_ever()
    {
        FairTurns<string> queue = new();
        queue.Add("bulk", new(RequestPriority.Bulk, "a", 3600));
        int turns = 0;
        for (string taken = ""; taken != "bulk"; turns++)
        {
            queue.Add("live", new(RequestPriority.Live, $"{turns}", 1));
            queue.Add("live", new(RequestPriority.Live, $"{turns}", 1));
            Assert.True(queue.TryTake((_, _) => true, out string? next));
            taken = next;
        }

        Assert.InRange(turns, 2, 8);
    }

    [Fact]
    public void Who_may_not_go_keeps_the_place()
    {
        FairTurns<string> queue = new();
        queue.Add("first", new(RequestPriority.Live, "a", 1));
        queue.Add("second", new(RequestPriority.Bulk, "a", 1));
        Assert.True(queue.TryTake((item, _) => item != "first", out string? taken));
        Assert.Equal("second", taken);
        Assert.False(queue.TryTake((item, _) => item != "first", out _));
        Assert.Equal(1, queue.Count);
    }

    private static string[] TakeAll(FairTurns<string> queue)
    {
        List<string> order = [];
        while (queue.TryTake((_, _) => true, out string? item))
        {
            order.Add(item);
        }

        return [.. order];
    }
}
