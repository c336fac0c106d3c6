using Handwritten.Runtime.Audio;
using Xunit;

namespace Handwritten.Runtime.Tests.Audio;

public class DownmixTests
{
    [Fact]
    public void Stereo_becomes_the_mean()
    {
        float[] mono = new float[2];
        Downmix.ToMono([0.5f, 0.25f, -1f, 1f], 2, mono);
        Assert.Equal([0.375f, 0f], mono);
    }

    [Fact]
    public void One_channel_stays_as_it_is()
    {
        float[] mono = new float[3];
        Downmix.ToMono([0.1f, -0.7f, 1f], 1, mono);
        Assert.Equal([0.1f, -0.7f, 1f], mono);
    }

    [Fact]
    public void What_all_channels_share_keeps_its_level()
    {
        float[] samples = [.. Enumerable.Range(0, 7 * 5).Select(i => (i / 7) * 0.125f)];
        Downmix.ToMono(samples, 7, samples);
        Assert.Equal([0f, 0.125f, 0.25f, 0.375f, 0.5f], samples[..5]);
    }
}
