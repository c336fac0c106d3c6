using Handwritten.Runtime.Serving;
using Xunit;

namespace Handwritten.Runtime.Tests.Serving;

/// <summary>When windows of recordings wait for those who speak.</summary>
public sealed class EncoderCourtesyTests
{
    [Fact]
    public void A_recordings_window_waits_for_the_texts_while_somebody_speaks_but_not_for_ever()
    {
        EncoderCourtesy courtesy = new();
        for (int round = 0; round < 3; round++)
        {
            for (int turn = 0; turn < EncoderCourtesy.MostTurns; turn++)
            {
                Assert.False(courtesy.MayEncode(RequestPriority.Interactive, liveIsUnderWay: true, textsGoOn: true));
            }

            Assert.True(courtesy.MayEncode(RequestPriority.Bulk, liveIsUnderWay: true, textsGoOn: true));
        }
    }

    [Theory]
    [InlineData(RequestPriority.Live, true, true)] // its own window
    [InlineData(RequestPriority.Interactive, false, true)] // nobody speaks
    [InlineData(RequestPriority.Bulk, true, false)] // there is nothing else to do
    public void No_window_waits_otherwise(RequestPriority priority, bool liveIsUnderWay, bool textsGoOn)
    {
        EncoderCourtesy courtesy = new();
        Assert.False(courtesy.MayEncode(RequestPriority.Bulk, liveIsUnderWay: true, textsGoOn: true));
        Assert.True(courtesy.MayEncode(priority, liveIsUnderWay, textsGoOn));
        Assert.False(courtesy.MayEncode(RequestPriority.Bulk, liveIsUnderWay: true, textsGoOn: true));
    }
}
