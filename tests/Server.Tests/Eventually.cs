using Xunit;

namespace Handwritten.Server.Tests;

/// <summary>Waits for what another thread or process is about to do.</summary>
internal static class Eventually
{
    /// <summary>Fails unless it comes true in time.</summary>
    /// <param name="condition">What has to come true.</param>
    /// <param name="seconds">Within how long.</param>
    /// <param name="otherwise">What there is instead.</param>
    public static async Task HoldsAsync(Func<Task<bool>> condition, int seconds = 30, Func<string>? otherwise = null)
    {
        for (long end = Environment.TickCount64 + (1000L * seconds); Environment.TickCount64 < end; await Task.Delay(50))
        {
            if (await condition())
            {
                return;
            }
        }

        Assert.Fail($"It did not come true within {seconds} seconds. {otherwise?.Invoke()}");
    }
}
