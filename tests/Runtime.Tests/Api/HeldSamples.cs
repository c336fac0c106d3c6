using System.Buffers;
using Xunit;

namespace Handwritten.Runtime.Tests.Api;

/// <summary>
/// Samples that hold the engine up where it comes to read them, until it is let go: tests need no luck to find it at work.
/// A recording is prepared on the thread pool; the engine has a thread of its own.
/// </summary>
/// <param name="samples">The samples.</param>
/// <param name="reads">How often the engine may read them before it has to wait.</param>
internal sealed class HeldSamples(float[] samples, int reads = 0) : MemoryManager<float>
{
    private readonly SemaphoreSlim _reads = new(reads);
    private readonly ManualResetEventSlim _reached = new();
    private int _count;

    /// <summary>The samples, without a look at them: whoever asks is not the engine.</summary>
    public override Memory<float> Memory => CreateMemory(samples.Length);

    /// <summary>How often the engine has read them.</summary>
    public int Count => Volatile.Read(ref _count);

    /// <summary>Waits until the engine is held here.</summary>
    public void AwaitEngine() => Assert.True(_reached.Wait(TimeSpan.FromMinutes(2)));

    /// <summary>Lets the engine go on.</summary>
    public void Release() => _reads.Release(1_000_000);

    public override Span<float> GetSpan()
    {
        if (!Thread.CurrentThread.IsThreadPoolThread)
        {
            if (!_reads.Wait(0))
            {
                _reached.Set();
                _reads.Wait();
            }

            Interlocked.Increment(ref _count);
        }

        return samples;
    }

    public override MemoryHandle Pin(int elementIndex = 0) => throw new NotSupportedException();

    public override void Unpin() => throw new NotSupportedException();

    protected override void Dispose(bool disposing)
    {
        _reads.Dispose();
        _reached.Dispose();
    }
}
