using Handwritten.CudaEmulator.Device;
using Xunit;

namespace Handwritten.CudaEmulator.Tests.Driver;

public sealed class ProfileTests
{
    public static TheoryData<string> Keys => [.. DeviceProfile.All.Select(profile => profile.Key)];

    [Fact]
    public void The_default_is_an_h200()
    {
        DeviceProfile profile = Assert.Single(DeviceProfile.Choose(null));
        Assert.Equal((90, 132, 227 * 1024), (profile.ComputeCapability, profile.Multiprocessors, profile.SharedPerBlockOptIn));
        Assert.Equal(profile, Assert.Single(DeviceProfile.Choose(" ")));
    }

    [Theory]
    [InlineData("t4", 75)]
    [InlineData("a100", 80)]
    [InlineData("rtx3090", 86)]
    [InlineData("L4", 89)]
    public void A_name_chooses_a_device(string key, int computeCapability) =>
        Assert.Equal(computeCapability, Assert.Single(DeviceProfile.Choose(key)).ComputeCapability);

    [Fact]
    public void Several_names_choose_several_devices() =>
        Assert.Equal(["h200", "t4"], DeviceProfile.Choose("h200, t4").Select(profile => profile.Key));

    [Fact]
    public void A_device_may_have_less_memory()
    {
        Assert.Equal(DeviceProfile.Choose("t4")[0] with { MemoryBytes = 300L << 20 }, Assert.Single(DeviceProfile.Choose("T4:300MB")));
        foreach (string size in (string[])["", "300", "0MB", "-1MB", "1.5MB"])
        {
            Assert.Contains($"\"{size}\"", Assert.Throws<ArgumentException>(() => DeviceProfile.Choose($"t4:{size}")).Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void A_wrong_name_is_answered_with_the_right_ones()
    {
        string message = Assert.Throws<ArgumentException>(() => DeviceProfile.Choose("voodoo")).Message;
        Assert.Contains("voodoo", message, StringComparison.Ordinal);
        Assert.All(DeviceProfile.All, profile => Assert.Contains(profile.Key, message, StringComparison.Ordinal));
    }

    [Theory]
    [MemberData(nameof(Keys))]
    public void Attributes_are_consistent(string key)
    {
        DeviceProfile profile = DeviceProfile.Choose(key)[0];
        Assert.Contains("Emulated", profile.Name, StringComparison.Ordinal);
        int Get(int attribute) => DeviceAttributes.Get(profile, attribute, 0)!.Value;
        Assert.Equal(1024, Get(1));
        Assert.Equal(32, Get(10));
        Assert.Equal(profile.ComputeCapability, Get(75) * 10 + Get(76));
        Assert.Equal(profile.Multiprocessors, Get(16));
        Assert.True(Get(8) <= Get(97)); // shared memory without and with opting in,
        Assert.Equal(Get(81), profile.ComputeCapability == 75 ? Get(97) : Get(97) + Get(111)); // and what the system keeps
        Assert.Equal(Get(12), Get(82));
        Assert.Equal(0, Get(39) % 32);
        Assert.True(Get(106) * 1024 >= Get(39));
        Assert.Equal(1, Get(41));
        Assert.Equal(0, Get(83)); // no managed memory
        Assert.Null(DeviceAttributes.Get(profile, 0, 0));
        Assert.Null(DeviceAttributes.Get(profile, 9999, 0));
    }

    [Theory]
    [InlineData("t4", 320e9)]
    [InlineData("a100", 1555e9)]
    [InlineData("l4", 300e9)]
    [InlineData("rtx3090", 936e9)]
    [InlineData("rtx4090", 1008e9)]
    [InlineData("h200", 4.9e12)]
    public void Memory_bandwidth_is_that_of_the_data_sheet(string key, double expected) =>
        Assert.InRange(DeviceProfile.Choose(key)[0].BytesPerSecond / expected, 0.99, 1.01);
}
