using System.Diagnostics;
using Handwritten.Kernels.Cpu;
using Xunit;

namespace Handwritten.Kernels.Tests;

[Collection(nameof(QuietProcess))]
public unsafe class ThreadTeamTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(16)]
    public void Every_item_is_done_once_by_a_member_of_the_team(int size)
    {
        using ThreadTeam team = new(size);
        int* counts = stackalloc int[300];
        for (int round = 0; round < 3000; round++)
        {
            int items = round % 300;
            new Span<int>(counts, 300).Clear();
            Run(team, new CountJob { Counts = counts, TeamSize = size }, items);
            for (int i = 0; i < 300; i++)
            {
                Assert.Equal(i < items ? 1 : 0, counts[i]);
            }
        }
    }

    [Fact]
    public void Several_threads_take_part()
    {
        using ThreadTeam team = new(3);
        int* seen = stackalloc int[3];
        Stopwatch clock = Stopwatch.StartNew();
        do
        {
            Run(team, new SleepJob { Seen = seen }, 12);
        }
        while ((seen[0] & seen[1] & seen[2]) == 0 && clock.Elapsed < TimeSpan.FromSeconds(30));
        Assert.Equal([1, 1, 1], new ReadOnlySpan<int>(seen, 3).ToArray());
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(8)]
    public void An_exception_reaches_the_caller_and_the_team_goes_on(int size)
    {
        using ThreadTeam team = new(size);
        int* counts = stackalloc int[100];
        for (int round = 0; round < 50; round++)
        {
            InvalidDataException failure = Assert.Throws<InvalidDataException>(() => Run(team, new FailingJob { Failing = round * 2 % 100 }, 100));
            Assert.Equal($"item {round * 2 % 100}", failure.Message);
            Assert.Contains(nameof(FailingJob), failure.StackTrace, StringComparison.Ordinal);
            new Span<int>(counts, 100).Clear();
            Run(team, new CountJob { Counts = counts, TeamSize = size }, 100);
            Assert.Equal(100, new ReadOnlySpan<int>(counts, 100).ToArray().Sum());
        }
    }

    [Fact]
    public void A_job_within_a_job_is_refused()
    {
        using ThreadTeam team = new(2);
        s_team = team;
        Assert.Equal(
            "The back end is at work already, and takes one thread at a time: take turns, or load the model once for each thread.",
            Assert.Throws<InvalidOperationException>(() => Run(team, default(NestedJob), 2)).Message);
        int count = 0;
        Run(team, new CountJob { Counts = &count, TeamSize = 2 }, 1);
        Assert.Equal(1, count);
    }

    [Fact]
    public void A_second_caller_at_the_same_time_is_refused()
    {
        using ThreadTeam team = new(2);
        using ManualResetEventSlim started = new(), release = new();
        (s_started, s_release) = (started, release);
        Thread first = new(() => Run(team, default(WaitingJob), 1));
        first.Start();
        started.Wait();
        Assert.Throws<InvalidOperationException>(() => Run(team, default(WaitingJob), 1));
        release.Set();
        first.Join();
    }

    [Fact]
    public void An_operation_has_team_and_memory_to_itself_also_between_its_jobs()
    {
        using ThreadTeam team = new(2);
        int count = 0;
        using (ThreadTeam.Turn turn = team.Begin())
        {
            float* own = turn.Reserve(10)[1];
            turn.Run(new CountJob { Counts = &count, TeamSize = 2 }, 1);

            // Who wants more memory would move it.
            Exception? refusal = null;
            Thread other = new(() => refusal = Record.Exception(() => Reserve(team, 1_000_000)));
            other.Start();
            other.Join();
            Assert.IsType<InvalidOperationException>(refusal);
            Assert.True(own == turn.Reserve(10)[1]);
            turn.Run(new CountJob { Counts = &count, TeamSize = 2 }, 1);
        }

        Assert.Equal(2, count);
        Reserve(team, 1_000_000);
    }

    [Fact]
    public void Memory_that_there_is_not_leaves_the_team_usable()
    {
        const long tooMany = 1L << 55;
        using ThreadTeam team = new(2);
        Reserve(team, 5000);
        Assert.Throws<OutOfMemoryException>(() => Reserve(team, tooMany));
        Assert.Throws<OutOfMemoryException>(() => ReserveShared(team, tooMany));
        Reserve(team, 5000);
        ReserveShared(team, 5000);
    }

    [Fact]
    public void Idle_workers_sleep()
    {
        using ThreadTeam team = new(4);
        int* seen = stackalloc int[4];
        Run(team, new SleepJob { Seen = seen }, 8);

        // The runtime's own threads work now and then, so the quietest of several moments counts.
        double quietest = double.MaxValue;
        for (int i = 0; i < 5 && quietest > 0.1; i++)
        {
            Thread.Sleep(100);
            TimeSpan before = Process.GetCurrentProcess().TotalProcessorTime;
            Thread.Sleep(400);
            quietest = Math.Min(quietest, (Process.GetCurrentProcess().TotalProcessorTime - before).TotalSeconds);
        }

        Assert.InRange(quietest, 0, 0.1);
    }

    [Fact]
    public void A_disposed_team_is_refused_and_its_threads_end()
    {
        ThreadTeam team = new(3);
        team.Dispose();
        team.Dispose();
        Assert.Throws<ObjectDisposedException>(() => Run(team, default(WaitingJob), 1));
        Assert.Throws<ArgumentOutOfRangeException>(() => new ThreadTeam(0));
    }

    private static ThreadTeam? s_team;
    private static ManualResetEventSlim? s_started;
    private static ManualResetEventSlim? s_release;

    private static void Run<TJob>(ThreadTeam team, TJob job, int items)
        where TJob : unmanaged, ITeamJob
    {
        using ThreadTeam.Turn turn = team.Begin();
        turn.Run(job, items);
    }

    /// <summary>Takes working memory as an operation does, and writes to all of it.</summary>
    private static void Reserve(ThreadTeam team, long floats)
    {
        using ThreadTeam.Turn turn = team.Begin();
        ScratchBlocks blocks = turn.Reserve(floats);
        for (int member = 0; member < turn.Size; member++)
        {
            new Span<float>(blocks[member], (int)floats).Fill(1);
        }
    }

    private static void ReserveShared(ThreadTeam team, long floats)
    {
        using ThreadTeam.Turn turn = team.Begin();
        new Span<float>(turn.ReserveShared(floats), (int)floats).Fill(1);
    }

    private struct CountJob : ITeamJob
    {
        public int* Counts;
        public int TeamSize;

        public readonly void Run(int item, int member)
        {
            Assert.InRange(member, 0, TeamSize - 1);
            Interlocked.Increment(ref Counts[item]);
        }
    }

    private struct SleepJob : ITeamJob
    {
        public int* Seen;

        public readonly void Run(int item, int member)
        {
            Seen[member] = 1;
            Thread.Sleep(1);
        }
    }

    private struct FailingJob : ITeamJob
    {
        public int Failing;

        public readonly void Run(int item, int member)
        {
            if (item == Failing)
            {
                throw new InvalidDataException($"item {item}");
            }
        }
    }

    private readonly struct NestedJob : ITeamJob
    {
        public void Run(int item, int member) => ThreadTeamTests.Run(s_team!, default(NestedJob), 2);
    }

    private readonly struct WaitingJob : ITeamJob
    {
        public void Run(int item, int member)
        {
            s_started!.Set();
            s_release!.Wait();
        }
    }
}
