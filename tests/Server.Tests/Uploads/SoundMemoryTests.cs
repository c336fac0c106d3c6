using Handwritten.Runtime.Serving;
using Handwritten.Server.Errors;
using Handwritten.Server.Uploads;
using Xunit;

namespace Handwritten.Server.Tests.Uploads;

/// <summary>The memory of all decoded recordings together.</summary>
public sealed class SoundMemoryTests
{
    private const long LongSamples = SoundMemory.LongSamples, Room = 4 * LongSamples;

    [Fact]
    public void A_share_grows_until_the_memory_is_taken_and_then_gives_all_of_it_back()
    {
        using SoundMemory memory = Memory();
        using SoundMemory.Share one = memory.Open(), other = memory.Open();
        one.Grow(LongSamples);
        other.Grow(LongSamples);
        other.Grow(2 * LongSamples);
        Assert.Equal(3 * LongSamples * SoundMemory.BytesPerSample, memory.Held);
        Assert.Throws<EngineBusyException>(() => one.Grow(3 * LongSamples));
        Assert.Equal(2 * LongSamples * SoundMemory.BytesPerSample, memory.Held);
        one.Dispose();
        other.Grow(3 * LongSamples);
        other.Dispose();
        other.Dispose();
        Assert.Equal(0, memory.Held);
    }

    [Fact]
    public void What_would_not_fit_alone_is_told_that_it_never_will()
    {
        using SoundMemory memory = Memory();
        using SoundMemory.Share share = memory.Open();
        ApiException refused = Assert.Throws<ApiException>(() => share.Grow(Room));
        Assert.Equal((503, "out_of_memory"), (refused.Status, refused.Code));
    }

    [Fact]
    public void Long_recordings_leave_room_for_short_ones()
    {
        using SoundMemory memory = Memory();
        using SoundMemory.Share hours = memory.Open(), command = memory.Open();
        hours.Grow(Room * 7 / 8);
        command.Grow(Room / 8);
        Assert.Throws<EngineBusyException>(() => command.Grow((Room / 8) + 1));
    }

    private static SoundMemory Memory() => new(new ServerOptions { Models = [], MaximumDecodedBytes = Room * SoundMemory.BytesPerSample });
}
