using System.Runtime.InteropServices;
using Handwritten.CudaEmulator.Device;

namespace Handwritten.CudaEmulator.Execution;

/// <summary>Runs a kernel over a grid: workers take blocks in order, each until none is left.</summary>
public static unsafe class GridRunner
{
    // One launch at a time: it has all the cores, and the outcome does not depend on what else runs.
    private static readonly Lock Running = new();

    /// <summary>Runs a launch to its end.</summary>
    /// <param name="launch">What to run. Its limits (threads, shared memory) are the driver's to check.</param>
    /// <param name="memory">Device memory.</param>
    /// <param name="profile">The device.</param>
    /// <param name="options">How; null for the defaults.</param>
    /// <exception cref="DeviceFaultException">
    /// A thread did what is not allowed: of all such threads' the report of the first block.
    /// </exception>
    public static void Run(LaunchRequest launch, DeviceMemory memory, DeviceProfile profile, LaunchOptions? options = null) =>
        Run(launch, memory, profile, options ?? new(), null);

    internal static void Run(
        LaunchRequest launch, DeviceMemory memory, DeviceProfile profile, LaunchOptions options, Func<ExecutionObserver>? observe)
    {
        lock (Running)
        {
            MemoryMap map = memory.Use();
            byte* parameters = (byte*)NativeMemory.AlignedAlloc((nuint)launch.Parameters.Length + 64, 64);
            try
            {
                launch.Parameters.CopyTo(new Span<byte>(parameters, launch.Parameters.Length));
                int limit = options.Workers > 0 ? options.Workers : Environment.ProcessorCount;
                int count = launch.Kernel.RunsInOrder ? 1 : (int)Math.Min(limit, launch.Grid.Count);
                new Grid(launch, profile, map, parameters, options, observe).Run(count);
            }
            finally
            {
                NativeMemory.AlignedFree(parameters);
                memory.Release();
            }
        }
    }

    private sealed class Grid(
        LaunchRequest launch, DeviceProfile profile, MemoryMap map, byte* parameters, LaunchOptions options, Func<ExecutionObserver>? observe)
    {
        private readonly Lock _guard = new();
        private readonly LaunchBudget _budget = new(options.Limit);
        private long _next;
        private long _faultyBlock = long.MaxValue;
        private Exception? _fault;

        public void Run(int workers)
        {
            if (workers == 1)
            {
                Work();
            }
            else
            {
                Parallel.For(0, workers, new ParallelOptions { MaxDegreeOfParallelism = workers }, _ => Work());
            }

            if (_fault is not null)
            {
                throw _fault;
            }
        }

        private void Work()
        {
            using Block block = new(launch, profile, map, parameters, _budget, options.Checks, observe?.Invoke());
            for (long number = Take(); number < launch.Grid.Count; number = Take())
            {
                try
                {
                    block.Run(number);
                }
                catch (DeviceFaultException exception)
                {
                    Fail(number, exception);
                    return;
                }
            }
        }

        // After a fault no further blocks are begun. Those before the faulty one have all been taken and run to their end.
        private long Take() => Volatile.Read(ref _fault) is null ? Interlocked.Increment(ref _next) - 1 : long.MaxValue;

        private void Fail(long number, Exception exception)
        {
            lock (_guard)
            {
                if (number < _faultyBlock)
                {
                    _faultyBlock = number;
                    Volatile.Write(ref _fault, exception);
                }
            }
        }
    }
}
